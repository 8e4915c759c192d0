import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeEachRegistry } from '../support/each-registry.ts'
import { document } from '../support/gates/attached.ts'
import { cosignSignature, image, index, referrer } from '../support/images.ts'
import { driftOf, mirror, statesOf } from '../support/mirror.ts'
import { watchedRegistry } from '../support/world.ts'

const multi = (label: string) => index(['linux/amd64', 'linux/arm64'], { label })

describeEachRegistry('a rule with platforms', (registry) => {
  it('is refused by a registry without sparse indexes, before any tag (case 19)', async () => {
    const { oracle, from, to, ...place } = await mirror(registry(), { platforms: ['linux/amd64'] })
    await oracle.push(multi(from), from, '1')
    await oracle.push(multi(`other ${from}`), from, '2')
    const ended = await place.run('sync', '--yes')
    expect(ended.code).toBe(3)
    expect(ended.stderr + ended.stdout).toContain('platforms')
    expect(await oracle.tags(to)).toEqual([])
  })
})

describe('a sparse index', () => {
  it('is completed by a later run without platforms (case 20)', async () => {
    await using registry = await watchedRegistry({ abilities: { sparseIndexes: 'accepted' } })
    const { oracle, from, to, ...place } = await mirror(registry, { platforms: ['linux/amd64'] })
    const content = multi(from)
    await oracle.push(content, from, '1', 'latest')
    expect((await place.run('sync', '--yes')).code).toBe(0)
    expect(await oracle.complaints(to, '1')).not.toEqual([])
    expect((await place.run('sync', '--yes')).stdout).toContain('In sync')

    const config = join(place.folder, 'dray.yaml')
    const text = await readFile(config, 'utf8')
    await writeFile(config, text.replace(',"platforms":["linux/amd64"]', ''))
    const shown = await place.run('sync', '--dry-run', '--json', '--verify')
    expect(statesOf(driftOf(shown.stdout))).toEqual(['1 damaged', 'latest damaged'])
    const ended = await place.run('sync', '--yes')
    expect(ended.stderr).not.toContain('error')
    expect(ended.code).toBe(0)
    expect(await oracle.complaints(to, '1')).toEqual([])
    expect((await place.run('sync', '--yes')).stdout).toContain('In sync')
  })
})

describe('attached artifacts', () => {
  it('that the source has no longer stay at an exclusive destination with their image (case 23)', async () => {
    await using registry = await watchedRegistry()
    const { oracle, from, to, ...place } = await mirror(registry, { delete: { exclusive: true } })
    const kept = image({ label: from })
    const [ofApi, ofTag] = [referrer(kept), cosignSignature(kept)]
    await oracle.push(kept, from, '1')
    await oracle.push(ofApi, from)
    await oracle.push(ofTag, from)
    expect((await place.run('sync', '--yes')).code).toBe(0)
    const tag = ofTag.manifests[0]?.tag ?? ''
    expect(await oracle.tags(to)).toEqual(['1', tag])
    await oracle.delete(from, ofApi.root.digest)
    await oracle.delete(from, ofTag.root.digest)
    expect((await place.run('sync', '--yes', '--delete')).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['1', tag])
    expect(await oracle.referrers(to, kept.root.digest)).toContain(ofApi.root.digest)
  })
})

describe('a gate of a rule', () => {
  it('that passed in the plan refuses it if its attached artifact is gone when it is applied', async () => {
    await using registry = await watchedRegistry()
    const gates = [{ name: 'has-sbom', sbom: {} }]
    const { oracle, from, to, ...place } = await mirror(registry, { gates })
    const content = image({ label: from })
    const sbom = document(
      content.root.digest,
      'application/vnd.cyclonedx+json',
      JSON.stringify({
        bomFormat: 'CycloneDX',
        specVersion: '1.6',
        components: [{ type: 'library', name: 'openssl', version: '1.0' }],
      }),
    )
    await oracle.push(content, from, '1')
    await oracle.push(sbom, from)
    const planned = await place.run('sync', '--out', 'plan.json')
    expect(planned.code).toBe(0)
    await oracle.delete(from, sbom.root.digest)
    const ended = await place.run('apply', 'plan.json')
    expect(ended.stderr + ended.stdout).toContain('has-sbom')
    expect(ended.code).toBe(3)
    expect(await oracle.tags(to)).toEqual([])
    await oracle.push(sbom, from)
    expect((await place.run('apply', 'plan.json')).code).toBe(0)
    expect(await oracle.tags(to)).toEqual(['1'])
  })
})

describe('the promotions of a sync', () => {
  it('are in the history, and the environments are in sync', async () => {
    await using registry = await watchedRegistry()
    const { host, oracle } = registry
    const environments = {
      staging: { registry: host, path: 'staging/{image}' },
      prod: { registry: host, path: 'prod/{image}', attest: true },
    }
    const sync = [{ name: 'hub', from: '@staging', repositories: ['app'], to: '@prod' }]
    const place = await mirror(registry, {}, { images: { app: {} }, environments, sync })
    const content = image({ label: 'synced' })
    await oracle.push(content, 'staging/app', '1.0.0', 'latest')
    expect((await place.run('sync', '--yes')).code).toBe(0)
    expect((await place.run('status')).stdout).toContain('1 in sync')
    const { stdout } = await place.run('history', 'app', '--json')
    const { result } = JSON.parse(stdout) as { readonly result: { readonly rows: readonly object[] } }
    expect(result.rows).toMatchObject([
      { image: content.root.digest, from: { environment: 'staging' }, to: { environment: 'prod' } },
    ])
    const events = (await place.run('audit', 'export', '--format', 'cloudevents')).stdout.trim().split('\n')
    expect(events.length).toBeGreaterThan(2)
    for (const event of events) expect(JSON.parse(event)).toMatchObject({ data: { rule: 'hub' } })
  })
})
