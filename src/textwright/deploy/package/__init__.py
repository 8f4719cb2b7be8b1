"""An artifact as a container's build context or as a Lambda zip: self-contained, locked, reproducible.

::

    selection.py     the artifact with the one variant that is shipped
    closure.py       which distributions serve it, in the versions installed here
    lock.py          those with the hashes of their wheels, for other Pythons and platforms
    wheel.py         Textwright itself as a wheel, from an installed package or from sources
    trim.py          what of the wheels is left out, and why it may be
    symbols.py       symbol tables of libraries blanked, so that they take no room in the zip
    context.py       the build context: Dockerfile, locks, wheel, artifact, compose file, Kubernetes manifest
    function_zip.py  the Lambda zip
    sbom.py          the bill of materials (CycloneDX)
    engine.py        building and running with the local engine
    replay.py        the golden examples against what was built
    settings.py      the choices
    packaging.py     the walk through all of these
"""
