/** Data of a manifest of Kubernetes. */
export type ManifestValue =
  | string
  | number
  | boolean
  | readonly ManifestValue[]
  | { readonly [key: string]: ManifestValue }

/** An object of Kubernetes, as `kubectl apply` takes it. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly [key: string]: ManifestValue }
  readonly [key: string]: ManifestValue
}
