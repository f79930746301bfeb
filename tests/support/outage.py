"""A service whose network can fail: it goes away, and comes back at the same address with its store, or another."""

from pathlib import Path

from handover.settings import Settings
from tests.support import embedded
from tests.support.processes import free_port
from tests.support.service import Prison, Service, settings_for


class Outage:
    """One prison's service, and what can happen to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stores = 0
        self.service: Service | None = None
        self.prison = self._new_store(free_port())
        self.url = self.prison.service.url

    def goes_away(self) -> None:
        """Nothing answers any more."""
        if self.service is not None:
            self.service.stop()
            self.service = None

    def comes_back(self) -> None:
        """The same store at the same address."""
        self.service = Service(self._settings(self._port()))
        self.prison.service = self.service

    def comes_back_with_another_store(self) -> Prison:
        """As after setting up a new machine: nothing of before is known."""
        self.prison = self._new_store(self._port())
        return self.prison

    def _new_store(self, port: int) -> Prison:
        self._stores += 1
        if self._stores == 1:
            embedded.copy(self._file())
        self.service = Service(self._settings(port))
        return self.service.prison()

    def _settings(self, port: int) -> Settings:
        return settings_for(f"sqlite:///{self._file()}", port=port)

    def _file(self) -> Path:
        return self._folder / f"store{self._stores}.sqlite3"

    def _port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])
