"""The formats of other products' clients, converted to the body of `POST /v1/events`."""

from .converted import Converted, Unusable

__all__ = ["Converted", "Unusable"]
