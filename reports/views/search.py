from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.access import manager_required
from core.ui import menu
from reports.search import search


@manager_required()
def search_page(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    pages = [
        item for section in menu(request, "manager") for item in section.items if text and text.lower() in item.label.lower()
    ]
    context = {"text": text, "found": search(text, by=request.user), "pages": pages}
    return render(request, "reports/manager/search.html", context)
