from rest_framework import serializers

from common.serializers import Serializer


class SignInSerializer(Serializer):
    username = serializers.CharField(max_length=254, help_text="or the e-mail address")
    password = serializers.CharField(max_length=128, trim_whitespace=False, style={"input_type": "password"})


class RefreshSerializer(Serializer):
    refresh = serializers.CharField(max_length=4096)


class PairSerializer(Serializer):
    access = serializers.CharField(read_only=True, help_text="JWT, 10 minutes")
    refresh = serializers.CharField(read_only=True, help_text="JWT, 14 days, for one use")
