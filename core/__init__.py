"""Events, money, access, mail, ui: what every app stands on. No business noun lives here."""
