from django.urls import URLPattern

from reports.api import api as api

manage: list[URLPattern] = []
portal: list[URLPattern] = []
public: list[URLPattern] = []
