"""The toolkit's driver, sparing with the line."""

import sys

from handover.terminal.screens.shadow import Shadow

if sys.platform == "win32":
    Sparing = None
else:
    from textual.drivers.linux_driver import LinuxDriver

    class Sparing(LinuxDriver):
        """Sends only what differs from what stands on the screen already."""

        _shadow: Shadow | None = None

        def forget(self) -> None:
            """Something else has written on the screen: everything has to be sent again."""
            self._shadow = None

        def write(self, data: str) -> None:
            """Sends it."""
            size = self._app.size
            if self._shadow is None or self._shadow.size != tuple(size):
                self._shadow = Shadow(*size)  # of another size: nothing of what stands there is known
            if found := self._shadow.feed(data):
                super().write(found)
