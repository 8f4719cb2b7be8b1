"""The local page that one person labels on; the one place outside ``server`` that speaks HTTP."""
