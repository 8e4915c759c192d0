import { describe, expect, it } from 'vitest'
import type { InventoryKind } from '../../../../src/images/inventory/inventory.ts'
import { vendorOfKind } from '../../../../src/registry/known-vendors.ts'
import { vendorOf } from '../../../../src/registry/open-inventories.ts'
import { registryOrigin } from '../../../../src/registry/http/transport/origins.ts'
import { baseOfApi, secretSource } from '../../../../src/registry/vendors/api/api-access.ts'

describe('the vendor of a registry', () => {
  it.each([
    ['ghcr.io', 'ghcr'],
    ['ghcr.io:443', 'ghcr'],
    ['docker.io', 'dockerhub'],
    ['123456789012.dkr.ecr.eu-west-1.amazonaws.com', 'ecr'],
    ['123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com', 'ecr'],
    ['123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn', 'ecr'],
    ['europe-west1-docker.pkg.dev', 'gar'],
    ['eu.gcr.io', 'gar'],
    ['acme.azurecr.io', 'acr'],
    ['quay.io', 'quay'],
    ['registry.gitlab.com', 'gitlab'],
  ])('of %s follows from the host: %s', (registry, kind) => {
    expect(vendorOf(registry)?.kind).toBe(kind)
  })

  it.each([
    'ghcr.io.evil.test',
    'notghcr.io',
    'evil-azurecr.io',
    'acme.azurecr.io.evil.test',
    'gcr.io.evil.test',
    'evilgcr.io',
    'harbor.example.com',
    '127.0.0.1:5000',
    'ghcr.io:8443',
  ])('of %s is unknown', (registry) => {
    expect(vendorOf(registry)).toBeUndefined()
  })

  it('is the one of dray.yaml, and none with kind: none', () => {
    expect(vendorOf('harbor.example.com', { kind: 'harbor' })?.kind).toBe('harbor')
    expect(vendorOf('ghcr.io', { kind: 'gitea' })?.kind).toBe('gitea')
    expect(vendorOf('ghcr.io', { kind: 'none', api: 'https://api.example.com' })).toBeUndefined()
  })

  it.each([{ api: 'https://api.example.com' }, { tokenEnv: 'TOKEN' }])(
    'is needed for the settings %j',
    (settings) => {
      expect(() => vendorOf('git.example.com', settings)).toThrow(/needs the vendor of git\.example\.com/)
    },
  )
})

/** A registry, its vendor and the settings of its API. */
const access = (
  registry: string,
  kind: InventoryKind,
  settings: { api?: string; tokenEnv?: string } = {},
) => {
  const vendor = vendorOfKind(kind)
  if (vendor === undefined) throw new Error(kind)
  const of = { registry, origin: registryOrigin(registry), vendor }
  const base = baseOfApi(of, settings, (host) => host === 'plain.test')
  return { base: base.href.replace(/\/$/, ''), from: secretSource(of, base, settings) }
}

describe('the credentials of a registry', () => {
  it.each([
    ['the own origin', access('harbor.test', 'harbor'), 'https://harbor.test'],
    [
      'a path of the own origin',
      access('r.test', 'gitea', { api: 'https://r.test/git/' }),
      'https://r.test/git',
    ],
    ['the API of GitHub', access('ghcr.io', 'ghcr'), 'https://api.github.com'],
    ['the API of Docker Hub', access('docker.io', 'dockerhub'), 'https://hub.docker.com'],
    ['the API of Google', access('eu-docker.pkg.dev', 'gar'), 'https://artifactregistry.googleapis.com'],
  ])('may go to %s', (_, { base, from }, expected) => {
    expect([base, from]).toEqual([expected, 'registry'])
  })

  it.each([
    ['another host', access('r.test', 'gitea', { api: 'https://git.test' })],
    ['another port', access('r.test', 'gitea', { api: 'https://r.test:8443' })],
    ['plain http of the own host', access('plain.test', 'gitea', { api: 'http://plain.test' })],
    ['the API of GitHub from another registry', access('r.test', 'ghcr')],
    ['another API for ghcr.io', access('ghcr.io', 'ghcr', { api: 'https://api.github.com.evil.test' })],
    ['a host that signs each request', access('1.dkr.ecr.eu-west-1.amazonaws.com', 'ecr')],
  ])('never go to %s', (_, { from }) => {
    expect(from).toBe('none')
  })

  it.each([
    access('ghcr.io', 'ghcr', { tokenEnv: 'T' }),
    access('r.test', 'gitea', { api: 'https://git.test', tokenEnv: 'T' }),
  ])('are not used with tokenEnv', ({ from }) => {
    expect(from).toBe('tokenEnv')
  })
})

describe('the URL of an API', () => {
  it.each(['http://git.test', 'http://10.0.0.1:3000'])('may not be %s', (api) => {
    expect(() => access('r.test', 'gitea', { api })).toThrow(/uses plain HTTP/)
  })

  it.each(['http://127.0.0.1:3000', 'http://plain.test', 'https://git.test'])('may be %s', (api) => {
    expect(access('r.test', 'gitea', { api }).base).toBe(api)
  })

  it('has neither credentials nor a query', () => {
    for (const api of ['https://me:secret@git.test', 'https://git.test/?token=secret', 'git.test'])
      expect(() => access('r.test', 'gitea', { api })).toThrow(/is not the URL of an API/)
  })
})
