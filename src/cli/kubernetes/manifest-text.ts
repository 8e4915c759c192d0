import type { KubernetesObject } from '../../usecases/kubernetes/object.ts'
import { yamlText } from '../jobs/yaml-text.ts'

/** Returns manifests as a stream of YAML documents. */
export function manifestText(manifests: readonly KubernetesObject[]): string {
  return manifests.map((manifest) => yamlText(manifest)).join('---\n')
}
