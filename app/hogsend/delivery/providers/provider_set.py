"""The providers that are set up, by name."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from .port import Provider


class ProviderSet(Mapping[str, Provider]):
    """The providers that are set up, by name; the first one takes what no route names.

    Args:
        providers: at least one provider.
    """

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self._providers = dict(providers)
        self.names: Sequence[str] = tuple(self._providers)

    @staticmethod
    def from_provider(provider: Provider) -> ProviderSet:
        """Return a set of one provider, under its own name."""
        return ProviderSet({provider.name: provider})

    def __getitem__(self, name: str) -> Provider:
        return self._providers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._providers)

    def __len__(self) -> int:
        return len(self._providers)

    def get_window(self, name: str | None) -> timedelta | None:
        """Return how long a provider recognizes repeated mails; None if it never does.

        A provider that is no longer set up recognizes nothing.
        """
        provider = self._providers.get(name or "")
        return provider.idempotency_window if provider is not None else None

    async def close(self) -> None:
        """Close the connections of all providers."""
        await asyncio.gather(*(provider.close() for provider in self._providers.values()))
