import type { KubernetesObject } from './object.ts'

/** Credentials of one registry, or of one namespace of it. */
export interface PullCredential {
  /** as the kubelet matches it with images: `HOST[:PORT][/PATH]`, or docker's key of Docker Hub */
  readonly key: string
  readonly username: string
  readonly password: string
}

export interface PullSecretOptions {
  readonly name: string
  readonly namespace?: string
}

/** Characters that Go escapes in JSON (encoding/json, HTMLEscape). */
const escapedByGo = /[<>&\u2028\u2029]/g

/**
 * Returns a Secret with these credentials and nothing else. The data has the bytes of `kubectl
 * create secret docker-registry` (kubectl, create_secret_docker.go): Kubernetes reads no other
 * fields, also no `identitytoken` (kubelet, credentialprovider/config.go).
 */
export function pullSecret(
  credentials: readonly PullCredential[],
  { name, namespace }: PullSecretOptions,
): KubernetesObject {
  const auths = [...credentials]
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ key, username, password }) => {
      const auth = toBase64(`${username}:${password}`)
      return [key, { username, password, auth }] as const
    })
  const json = JSON.stringify({ auths: Object.fromEntries(auths) }).replace(
    escapedByGo,
    (char) => String.raw`\u` + char.charCodeAt(0).toString(16).padStart(4, '0'),
  )
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, ...(namespace !== undefined && { namespace }) },
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': toBase64(json) },
  }
}

function toBase64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
