import { describe, expect, it } from 'vitest'
import { knownCapability, knownRegistries, knownRegistry } from '../../../src/registry/client/registries.ts'
import { newCall, scripted, storeAt } from './world.ts'

describe('the table of known registries', () => {
  it.each([
    ['ghcr.io', 'GitHub Container Registry'],
    ['123456789012.dkr.ecr.eu-central-1.amazonaws.com', 'Amazon ECR'],
    ['team.azurecr.io', 'Azure Container Registry'],
    ['europe-west3-docker.pkg.dev', 'Google Artifact Registry'],
    ['docker.pkg.dev', 'Google Artifact Registry'],
    ['gcr.io', 'Google Artifact Registry'],
    ['eu.gcr.io', 'Google Artifact Registry'],
    ['docker.io', 'Docker Hub'],
    ['registry.hub.docker.com', 'Docker Hub'],
    ['quay.io', 'Quay'],
    ['registry.gitlab.com', 'GitLab'],
    ['mydocker.io', undefined],
    ['notgcr.io', undefined],
    ['quay.io:8443', undefined],
    ['ghcr.io.evil.example', undefined],
    ['registry.example.com', undefined],
  ])('is found by the host %s: %s', (host, name) => {
    expect(knownRegistry(host)?.name).toBe(name)
  })

  it('has a source in every row, and never the absence of a referrers API', () => {
    for (const { source, capabilities } of knownRegistries) {
      expect(source).not.toBe('')
      expect(capabilities).not.toHaveProperty('referrers')
    }
  })

  it('has no entry for an unknown registry', () => {
    expect(knownCapability('registry.example.com', 'deleteTag')).toBe('unknown')
    expect(knownCapability('ghcr.io', 'deleteTag')).toBe('no')
  })

  it('has registries that need tags deleted first, and those that count reads as pulls', () => {
    expect(knownCapability('europe-docker.pkg.dev', 'deleteTagged')).toBe('no')
    expect(knownCapability('quay.io', 'deleteTagged')).toBe('yes')
    expect(knownCapability('docker.io', 'freeReads')).toBe('no')
    expect(knownCapability('registry.example.com', 'freeReads')).toBe('unknown')
  })

  it.each([
    ['zot', { 'access-control-allow-headers': 'Authorization,content-type,X-ZOT-API-CLIENT' }, 'no'],
    ['another registry with a web page', { 'access-control-allow-headers': 'Authorization' }, 'unknown'],
    ['a header of another name', { vary: 'X-ZOT-API-CLIENT' }, 'unknown'],
  ] as const)('learns from an answer whether untagged images stay: %s', async (_, headers, known) => {
    const { registry } = await scripted(() => ({ status: 404, headers }))
    const store = storeAt(registry)
    expect(store.capability('keepsUntagged')).toBe('unknown')
    expect(await store.resolve({ tag: '1' }, newCall())).toBeUndefined()
    expect(store.capability('keepsUntagged')).toBe(known)
  })

  it('avoids a request that would be refused', async () => {
    const { registry, heard } = await scripted(() => ({ status: 405 }))
    const store = storeAt(registry, { known: () => 'no' })
    await expect(store.deleteTag('a', newCall())).rejects.toMatchObject({ code: 'unsupported' })
    expect(heard).toHaveLength(0)
  })
})
