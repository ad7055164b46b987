from django.urls import URLPattern

from payouts.api import api as api

manage: list[URLPattern] = []
portal: list[URLPattern] = []
public: list[URLPattern] = []
