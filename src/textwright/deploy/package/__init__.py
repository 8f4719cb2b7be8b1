"""An artifact as a container's build context or as a Lambda zip: self-contained, locked, reproducible.

::

    single_variant.py      the artifact with the one variant that is shipped
    dependency_closure.py  which distributions serve it, in the versions installed here, with the target's hashes
    wheel.py               Textwright itself as a wheel, from an installed package or from sources
    strip.py               what of the wheels is left out, and why it may be
    context.py             the build context: Dockerfile, locks, wheel, artifact, compose file, Kubernetes manifest
    base_image.py          the digest of the image to build on
    function_zip.py        the Lambda zip
    sbom.py                the bill of materials (CycloneDX)
    engine.py              building and running with the local engine
    settings.py            the choices
    packaging.py           the flow through all of these; the formats stand in ``deploy.targets``
"""
