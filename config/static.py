"""Static files: hashed names, compressed, with the modules' imports rewritten too."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Without the flag `import "./combobox.js"` keeps its plain name and a stale module survives a deploy."""

    support_js_module_import_aggregation = True
