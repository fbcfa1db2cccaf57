"""create_project, create_admin, and what a first start makes."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from config.operations import sandbox, static_files
from config.project import keys
from config.project.models import ApiKey, Member, Project, User
from tests.factories import make_shop

AT = datetime(2026, 2, 3, 10, 0, tzinfo=UTC)
NAMES = ["project_id", "app_id", "app_token", "client_app_id", "client_token", "management_id", "management_token"]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_create_project_prints_one_json_object_and_nothing_else(db):
    made = json.loads(run("create_project", "Shop", "--json"))
    assert list(made) == NAMES
    project = Project.objects.get(public_id=made["project_id"])
    assert (project.name, project.client_protects_customers, project.client_trusted_domains) == ("Shop", True, [])


def test_the_printed_keys_open_the_project_each_for_its_kind(db):
    made = json.loads(run("create_project", "Shop", "--json"))
    pairs = {"server": ("app_id", "app_token"), "client": ("client_app_id", "client_token")}
    pairs["management"] = ("management_id", "management_token")
    for kind, (name, secret) in pairs.items():
        found = keys.find(made[name], made[secret], kind, AT)
        assert found is not None
        assert found.project.public_id == made["project_id"]
        assert keys.find(made[name], made[secret] + "x", kind, AT) is None
    assert not ApiKey.objects.filter(secret_hash__in=made.values()).exists()


def test_without_json_each_value_has_its_name(db):
    lines = run("create_project", "Shop").splitlines()
    assert [line.split()[0] for line in lines[:7]] == NAMES
    assert lines[7] == "The secrets are stored hashed and cannot be shown again."


def test_origins_and_switches_are_set(db):
    made = json.loads(
        run(
            *("create_project", "Shop", "--origin", "https://shop.example", "--origin", "http://localhost:3000"),
            *("--client-side", "redeem,list_vouchers", "--json"),
        )
    )
    project = Project.objects.get(public_id=made["project_id"])
    assert project.client_trusted_domains == ["https://shop.example", "http://localhost:3000"]
    assert (project.client_redeem_enabled, project.client_list_vouchers_enabled) == (True, True)
    assert (project.client_publish_enabled, project.client_protects_customers) == (False, True)


def test_all_switches_also_let_browsers_change_customers(db):
    made = json.loads(run("create_project", "Shop", "--client-side", "all", "--json"))
    project = Project.objects.get(public_id=made["project_id"])
    assert project.client_protects_customers is False
    assert project.client_loyalty_events_enabled is True


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--client-side", "fly"], "Unknown client-side switch: fly"),
        (["--origin", "not an origin"], "origin"),
        (["--timezone", "Mars/Base"], "not a time zone: Mars/Base"),
    ],
)
def test_a_bad_argument_is_named_and_nothing_is_made(db, arguments, sentence):
    with pytest.raises(CommandError, match=f"(?i){sentence}"):
        run("create_project", "Shop", *arguments)
    assert not Project.objects.exists()


def test_admins_see_projects_made_before_and_after_them(db):
    before = make_shop("Before").project
    made = json.loads(run("create_admin", "Root@Example.com", "--json"))
    run("create_project", "After")
    admin = User.objects.get(email="root@example.com")
    assert admin.check_password(made["password"])
    assert (admin.is_staff, admin.is_superuser) == (True, True)
    found = Member.objects.filter(user=admin, role=Member.Role.ADMIN).values_list("project__name", flat=True)
    assert set(found) == {before.name, "After"}


def test_a_given_password_is_used_and_not_printed(db, monkeypatch):
    monkeypatch.setenv("ADMIN_PASSWORD", "correct horse battery")
    assert json.loads(run("create_admin", "root@example.com", "--json")) == {"email": "root@example.com"}
    assert User.objects.get().check_password("correct horse battery")


@pytest.mark.parametrize(
    ("email", "password", "sentence"),
    [
        ("nobody", "correct horse battery", "not an e-mail address"),
        ("root@example.com", "short", "too short"),
        ("root@example.com", "password12345", "too common"),
    ],
)
def test_a_bad_admin_is_refused_with_the_reason(db, monkeypatch, email, password, sentence):
    monkeypatch.setenv("ADMIN_PASSWORD", password)
    with pytest.raises(CommandError, match=sentence):
        run("create_admin", email)
    assert not User.objects.exists()


def test_an_admin_is_made_once(db):
    run("create_admin", "root@example.com")
    with pytest.raises(CommandError, match=r"Duplicated user exists with email root@example\.com"):
        run("create_admin", "ROOT@example.com")


def test_the_first_start_writes_what_it_made_for_its_owner_only(db, tmp_path):
    file = tmp_path / "sandbox.json"
    project = sandbox.create(file=file, address="http://localhost:8124", at=AT)
    assert project is not None
    kept = json.loads(file.read_text())
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox.json"]
    assert User.objects.get(email=kept["email"]).check_password(kept["password"])
    assert keys.find(kept["app_id"], kept["app_token"], "server", AT) is not None
    assert kept["origins"][:2] == ["http://localhost:8124", "http://127.0.0.1:8124"]
    assert project.client_trusted_domains == kept["origins"]
    assert (project.name, project.is_sandbox, project.client_protects_customers) == ("Sandbox", True, True)


def test_a_second_start_makes_nothing_and_leaves_the_file(db, tmp_path):
    file = tmp_path / "sandbox.json"
    sandbox.create(file=file, address="http://localhost:8000", at=AT)
    before = file.read_bytes()
    assert sandbox.create(file=file, address="http://localhost:9000", at=AT) is None
    assert file.read_bytes() == before
    assert Project.objects.count() == 1


def test_a_database_with_projects_gets_no_sandbox(db, tmp_path):
    make_shop("Production")
    assert sandbox.create(file=tmp_path / "sandbox.json", address="http://localhost:8000", at=AT) is None
    assert list(tmp_path.iterdir()) == []
    assert not User.objects.exists()


def test_static_files_are_collected_once_for_the_same_sources(settings, tmp_path):
    source = tmp_path / "static"
    source.mkdir()
    (source / "page.css").write_text("body { color: black }")
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "config.static.Storage"}}
    assert static_files.collect_if_changed() is True
    assert static_files.collect_if_changed() is False
    (source / "page.css").write_text("body { color: white }")
    assert static_files.collect_if_changed() is True
    manifest = json.loads((tmp_path / "collected" / "staticfiles.json").read_text())
    assert (tmp_path / "collected" / manifest["paths"]["page.css"]).read_text() == "body { color: white }"
