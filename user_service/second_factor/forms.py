from django import forms

from user_service.users.forms import OwnForm, OwnPasswordForm


class CodeForm(OwnForm):
    code = forms.CharField(
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}),
    )

    def clean(self) -> None:
        super().clean()
        if not self.errors:
            message = "This code is wrong, or was used before."
            self.check("code", message, person=self.user, code=self.cleaned_data["code"])


class TurnOffForm(CodeForm, OwnPasswordForm):
    field_order = ["password", "code"]
