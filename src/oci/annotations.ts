/** Keys of annotations and labels (image-spec, annotations.md, Pre-Defined Annotation Keys). */
export const annotationKeys = {
  created: 'org.opencontainers.image.created',
  version: 'org.opencontainers.image.version',
} as const
