"""Addresses of segments in the dashboard."""

from django.urls import path

from segments.dashboard import answers, builder, growth, relations, views

urlpatterns = [
    path("segments/", views.SegmentList.as_view(), name="segments"),
    path("segments/new/", builder.NewSegment.as_view(), name="segment-new"),
    path("segments/list/", builder.NewStaticSegment.as_view(), name="segment-list"),
    path("segments/preview", answers.Preview.as_view(), name="segment-preview"),
    path("segments/why", answers.Why.as_view(), name="segment-why"),
    path("segments/values", answers.Values.as_view(), name="segment-values"),
    path("segments/customers", answers.Customers.as_view(), name="segment-customers"),
    path("segments/<str:public_id>/", views.SegmentMembers.as_view(), name="segment"),
    path("segments/<str:public_id>/definition/", views.SegmentDefinition.as_view(), name="segment-definition"),
    path("segments/<str:public_id>/used-in/", views.SegmentUsage.as_view(), name="segment-usage"),
    path("segments/<str:public_id>/growth/", growth.SegmentGrowth.as_view(), name="segment-growth"),
    path("segments/<str:public_id>/activity/", relations.SegmentActivity.as_view(), name="segment-activity"),
    path("segments/<str:public_id>/overlap/", relations.SegmentOverlap.as_view(), name="segment-overlap"),
    path("segments/<str:public_id>/check/", relations.SegmentWhy.as_view(), name="segment-check"),
    path("segments/<str:public_id>/activate/", relations.ActivateSegment.as_view(), name="segment-activate"),
    path("segments/<str:public_id>/freeze/", growth.FreezeSegment.as_view(), name="segment-freeze"),
    path("segments/<str:public_id>/edit/", builder.EditSegment.as_view(), name="segment-edit"),
    path("segments/<str:public_id>/count/", views.SegmentCount.as_view(), name="segment-count"),
    path("segments/<str:public_id>/delete/", views.DeleteSegment.as_view(), name="segment-delete"),
]
