from django.urls import URLPattern

from intake.api import api as api

manage: list[URLPattern] = []
portal: list[URLPattern] = []
public: list[URLPattern] = []
