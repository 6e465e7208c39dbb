"""The web client in a real browser, over a real server.

``site.py`` is the server and the accounts in it, ``chromium.py`` the browser, ``screen.py`` a page that notices what
must not happen in it. Tests find things as people do, by roles and names, never by how the page is made.
"""
