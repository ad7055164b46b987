from django.urls import URLPattern

manage: list[URLPattern] = []
portal: list[URLPattern] = []
api: list[URLPattern] = []
public: list[URLPattern] = []
