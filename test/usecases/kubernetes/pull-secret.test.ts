import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { KubernetesObject } from '../../../src/usecases/kubernetes/object.ts'
import { pullSecret } from '../../../src/usecases/kubernetes/pull-secret.ts'
import { findMistakes, readTypes } from '../../support/kubernetes/fields.ts'

const hub = {
  key: 'https://index.docker.io/v1/',
  username: 'test-user',
  password: 'test-password',
}

/** Returns the text in a Secret. */
function contentOf(secret: KubernetesObject): string {
  const { data } = secret as KubernetesObject & { readonly data: Readonly<Record<string, string>> }
  return Buffer.from(data['.dockerconfigjson'] ?? '', 'base64').toString('utf8')
}

/** The suffix that `kubectl create --append-hash` gives a Secret (kubectl, pkg/util/hash). */
function kubectlHash({ kind, type, metadata: { name }, data }: KubernetesObject): string {
  const hash = createHash('sha256').update(JSON.stringify({ data, kind, name, type })).digest('hex')
  const letters: Readonly<Record<string, string>> = { '0': 'g', '1': 'h', '3': 'k', a: 'm', e: 't' }
  return hash.slice(0, 10).replaceAll(/[013ae]/g, (char) => letters[char] ?? char)
}

describe('a Secret for pulling images', () => {
  it('has the bytes that kubectl writes for the same credentials', () => {
    // kubectl, create_secret_docker_test.go: create_secret_docker_registry_without_email_hash
    expect(kubectlHash(pullSecret([hub], { name: 'foo' }))).toBe('bff5bt4f92')
  })

  it('has the fields that Kubernetes knows', () => {
    const secret = pullSecret([hub], { name: 'regcred', namespace: 'shop' })
    expect(findMistakes(secret, 'Secret', 'secret', readTypes('manifest-types.json'))).toEqual([])
    expect(secret).toMatchObject({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/dockerconfigjson',
      metadata: { name: 'regcred', namespace: 'shop' },
    })
  })

  it('omits the namespace, so that kubectl chooses it', () => {
    expect(pullSecret([hub], { name: 'regcred' }).metadata).toEqual({ name: 'regcred' })
  })

  it('is the same for any order of the registries', () => {
    const other = { key: 'registry.example.com/team', username: 'ci', password: 'x' }
    const secret = pullSecret([other, hub], { name: 'a' })
    expect(secret).toEqual(pullSecret([hub, other], { name: 'a' }))
    expect(JSON.parse(contentOf(secret))).toEqual({
      auths: {
        'https://index.docker.io/v1/': {
          username: 'test-user',
          password: 'test-password',
          auth: Buffer.from('test-user:test-password').toString('base64'),
        },
        'registry.example.com/team': { username: 'ci', password: 'x', auth: 'Y2k6eA==' },
      },
    })
  })

  it('keeps every character of a password, escaped as Go does it', () => {
    const password = 'a"<&>\\ü\u2028:ö'
    const text = contentOf(pullSecret([{ ...hub, password }], { name: 'a' }))
    expect(text).toContain(String.raw`a\"\u003c\u0026\u003e\\ü\u2028:ö`)
    expect(JSON.parse(text)).toMatchObject({ auths: { [hub.key]: { password } } })
  })
})
