"""`/docs/browser/`: the shops' library explained, with a page to copy and a form that calls one's own project."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

EXAMPLE = """<!doctype html>
<title>Checkout</title>
<input id="code" placeholder="Voucher code"> <button id="try">Apply</button> <output id="answer"></output>
<script type="module">
  import {{ initialize, setIdentity, validate, track }} from "{base}/static/js/tessera.mjs";

  initialize("{app_id}", "{token}");
  // setIdentity("crm-1042");   // once you know who it is: your own id of the customer
  track("page_viewed", {{ page: location.pathname }}).catch(console.error);

  document.querySelector("#try").addEventListener("click", async () => {{
    const answer = await validate({{ code: document.querySelector("#code").value, amount: 10000 }});
    document.querySelector("#answer").textContent = answer.valid
      ? `${{answer.order.total_discount_amount / 100}} off`
      : answer.reason;
  }});
</script>"""
"""A whole page, in minor units: 10000 is 100.00."""


@require_safe
def browser(request: HttpRequest) -> HttpResponse:
    """The page. Keys are typed by the visitor and stay in the browser."""
    base = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    context = {
        "title": "Tessera in the browser",
        "base": base,
        "library": static("js/tessera.js"),
        "example": EXAMPLE.format(base=base, app_id="your client application id", token="your client token"),  # noqa: S106
    }
    return render(request, "docs/browser.html", context)
