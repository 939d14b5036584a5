"""Wording that reads as translated."""


def check(_files):
    return ()
