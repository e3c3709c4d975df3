"""What is asked of an operator before events are changed."""

from django import forms
from unfold.widgets import INPUT_CLASSES, UnfoldAdminTextInputWidget

LONGEST_REASON = 500


class RedriveForm(forms.Form):
    pass


class RescheduleForm(forms.Form):
    at = forms.DateTimeField(
        label="Next attempt at",
        help_text="In UTC. It then has all its attempts again.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1, "class": " ".join(INPUT_CLASSES)}),
    )
    reason = forms.CharField(required=False, max_length=LONGEST_REASON, widget=UnfoldAdminTextInputWidget())


class DiscardForm(forms.Form):
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        help_text="It stands in the history of each message, with your name. Name nobody in it.",
        widget=UnfoldAdminTextInputWidget(),
    )


FORMS: dict[str, type[forms.Form]] = {"redrive": RedriveForm, "reschedule": RescheduleForm, "discard": DiscardForm}
