/** The values of `watch.sources[].kind`: the names of the sources in `usecases/watch/sources/`. */
export const watchSourceKinds = [
  'distribution',
  'harbor',
  'ghcr',
  'acr',
  'ecr',
  'quay',
  'dockerhub',
  'gitlab',
  'cloudevents',
] as const

export type WatchSourceKind = (typeof watchSourceKinds)[number]
