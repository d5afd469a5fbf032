"""Countries and cities of addresses, from the database file of the app's owner. `web/visitor/origin.py` asks."""

from __future__ import annotations

import ipaddress
import logging
import threading
from typing import TYPE_CHECKING

from ..bounds import MAX_CITY

if TYPE_CHECKING:
    from geoip2.database import Reader

logger = logging.getLogger("flask_pocketping")


class Locations:
    """Looks addresses up in a file of the MaxMind DB format (`.mmdb`), which is opened with the first question.

    :param path: of a database of cities or countries.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._reader: Reader | None = None
        self._failed = False
        self._lock = threading.Lock()

    def find(self, address: str) -> dict[str, str]:
        """Tell the `country` (ISO 3166-1, two letters) and the `city` (its English name), as far as they are known.

        :param address: IPv4 or IPv6. What is no address, or not in the file, is known nothing of.
        """
        reader = self._open()
        if reader is None:
            return {}
        try:
            has_cities = "City" in reader.metadata().database_type or "Enterprise" in reader.metadata().database_type
            found = reader.city(address) if has_cities else reader.country(address)
        except Exception as error:
            from geoip2.errors import AddressNotFoundError

            if not isinstance(error, AddressNotFoundError | ValueError):
                self._warn(error)
            return {}
        city = getattr(found, "city", None)
        told = {"country": found.country.iso_code, "city": (city.name or "")[:MAX_CITY] if city else None}
        return {name: value for name, value in told.items() if value}

    def _open(self) -> Reader | None:
        with self._lock:
            if self._reader is None and not self._failed:
                from geoip2.database import Reader

                try:
                    self._reader = Reader(self._path)
                except Exception as error:
                    self._warn(error)
                    self._failed = True
            return self._reader

    def _warn(self, error: Exception) -> None:
        # Visitors chat all the same.
        logger.warning("POCKETPING_GEOIP_DATABASE can't be used, so countries are unknown: %s", type(error).__name__)


def known_address(address: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address as Flask tells it: without a zone, and IPv4 within IPv6 as IPv4.

    :return: nothing where it is none, as behind a Unix socket without a proxy's header.
    """
    try:
        found = ipaddress.ip_address((address or "").split("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def anonymized(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Name an address without what tells one customer of a provider from another: its /24 or /48 network's first."""
    network = ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False)
    return str(network.network_address)
