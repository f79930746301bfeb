# moved to handover/services/hub.py (pull and feed both wait for it); the socket route is in feed/route.py
