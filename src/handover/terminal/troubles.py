"""What went wrong, in the language that is spoken. Details that only the server knows stay as it says them."""

from handover.client.refusals import CannotReach, NotLoggedIn, ServerRefused, Trouble
from handover.languages import ENGLISH
from handover.terminal import tongue
from handover.terminal.tongue import later, t

_WHY = (
    later("no answer in time"),
    later("nothing answers at that address"),
    later("there is no machine of that name on this network"),
    later("its certificate is not one this machine trusts"),
    later("this machine has no network"),
    later("the connection broke"),
    later("something answers there, but not as a handover server"),
    later("another command is sending just now"),
    later("another command is still renewing the login"),
    later("it was not its turn yet"),
)
_TITLES = (
    later("Refused"),
    later("Something in the request needs correcting"),
    later("Log in first"),
    later("Your role does not allow this"),
    later("Nothing here that you may see"),
    later("This number was merged into another"),
    later("Not possible as things stand"),
    later("It has changed since you read it"),
    later("The request is too large"),
    later("Too many attempts"),
    later("The service cannot do this right now"),
)


def in_words(trouble: Trouble) -> str:
    """What went wrong, on one line; field by field where the server said so."""
    match trouble:
        case ServerRefused() if trouble.errors:
            return "; ".join(f"{one.pointer.strip('/').replace('/', ' ')}: {one.detail}" for one in trouble.errors)
        case _ if tongue.language() == ENGLISH:
            return str(trouble)
        case ServerRefused():
            return f"{t(trouble.title)}. {trouble.detail}".rstrip()
        case CannotReach():
            why = next((one for one in _WHY if trouble.why.startswith(one)), "")
            told = t(why) + trouble.why.removeprefix(why) if why else trouble.why
            return t("Cannot reach {server}: {why}.", server=trouble.server, why=told)
        case NotLoggedIn():
            return t("The login here has ended. Log in again.")
    return str(trouble)
