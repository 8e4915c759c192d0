/** Keys of annotations and labels (image-spec, annotations.md, Pre-Defined Annotation Keys). */
export const annotationKeys = {
  created: 'org.opencontainers.image.created',
  version: 'org.opencontainers.image.version',
} as const

/** The keys that name the predicate type of an attestation, by cosign and by BuildKit. */
export const predicateTypeKeys = ['dev.sigstore.bundle.predicateType', 'in-toto.io/predicate-type'] as const
