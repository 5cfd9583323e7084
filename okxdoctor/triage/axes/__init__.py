"""The mistakes that clients make, one module for each part of what is signed.

Every function gives variants (`okxdoctor.triage.recipe`) of one part: the right form first, then forms with one
mistake, most plausible first, then forms with two. None of them knows the signature that is looked for.
"""
