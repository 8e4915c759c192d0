import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Abilities } from '../../src/embedded/profiles.ts'
import type { PruneOutcome } from '../../src/plan/prune/prune-outcome.ts'
import { image } from '../support/images.ts'
import { workplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

const config = (host: string) =>
  JSON.stringify({
    version: 1,
    environments: { dev: { registry: host, path: 'dev/{image}' } },
    images: { api: {} },
    retention: { rules: [{ name: 'previews', tags: ['pr-*'] }] },
  })

async function place(abilities: Partial<Abilities>) {
  const registry = await watchedRegistry({ abilities })
  return { registry, project: await workplace(config(registry.host)) }
}

describe('dray prune at a registry that locks an image', () => {
  it('succeeds every night, deletes other images first, and exits with 4 by --strict', async () => {
    const { registry, project } = await place({ lockedTags: ['pr-1'] })
    await using _ = registry
    for (const n of [1, 2, 3]) await registry.oracle.push(image({ label: `${n}` }), 'dev/api', `pr-${n}`)
    const metrics = join(project.folder, 'dray.prom')
    const first = await project.json('prune', '--apply', '--yes', '--metrics', metrics)
    expect(first.code).toBe(0)
    const result = first.document.result as unknown as PruneOutcome & { readonly totals: object }
    expect(result.totals).toMatchObject({ deletedImages: 2, kept: 1, locked: 1, failed: 0 })
    expect(result.repositories).toMatchObject([
      { locked: 1, lockedItems: [{ tags: ['pr-1'], error: { code: 'refused', why: 'pr-1 is locked' } }] },
    ])
    const text = await readFile(metrics, 'utf8')
    expect(text).toMatch(/dray_prune_locked\{.*\} 1\n/)
    expect(text).toContain('dray_prune_last_success_timestamp_seconds')
    await registry.oracle.push(image({ label: 'new' }), 'dev/api', 'pr-0')
    registry.forget()
    const second = await project.run('prune', '--apply', '--yes', '--strict', '--metrics', metrics)
    expect(second.code).toBe(4)
    expect(second.stdout).toContain('locked: pr-1: 405 REGISTRY_DISALLOWED_OPERATION, pr-1 is locked')
    const deletes = registry.requests.filter(({ method }) => method === 'DELETE')
    expect(deletes.map(({ status }) => status)).toEqual([202, 405])
  })
})

describe('dray prune at a registry that deletes an image with its tag', () => {
  it('exits with 4, and the log has the lost tag; the next run deletes no tag', async () => {
    const { registry, project } = await place({ deleteTag: 'with its manifest' })
    await using _ = registry
    await registry.oracle.push(image({ label: 'prod' }), 'dev/api', 'prod', 'pr-1')
    await registry.oracle.push(image({ label: 'stable' }), 'dev/api', 'stable', 'pr-0')
    const ended = await project.run('prune', '--apply', '--yes', '-o', 'name')
    expect(ended.code).toBe(4)
    const lost = [`${registry.host}/dev/api:pr-1`, `${registry.host}/dev/api:prod`]
    expect(ended.stdout.trimEnd().split('\n')).toEqual(lost)
    const log = await project.run('audit', 'log', '--image', `${registry.host}/dev/api:prod`)
    expect(log.stdout).toMatch(/delete tag pr-1; the registry deleted sha256:\w+ with pr-1, prod .*done/)
    registry.forget()
    const next = await project.run('prune', '--apply', '--yes')
    expect(next.code).toBe(0)
    expect(registry.requests.some(({ method }) => method === 'DELETE')).toBe(false)
  })
})
