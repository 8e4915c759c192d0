import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gatherPruneInputs } from '../../../src/cli/prune/prune-inputs.ts'
import { planPrune, type Pruning } from '../../../src/cli/prune/prune-run.ts'
import { Context } from '../../../src/cli/wiring/context.ts'
import { parseDigest } from '../../../src/oci/digest.ts'
import { image } from '../../support/images.ts'
import { openLog, outcome, tagStep } from '../../support/audit-log.ts'
import { tempFolder } from '../../support/temp.ts'
import { watchedRegistry } from '../../support/world.ts'

const call = { signal: new AbortController().signal, notify: () => undefined }
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString()

/** A prune of `dev/api` by age and of `dev/web` by name, with the audit log that `write` leaves. */
async function pruneWith(
  write: (log: string, at: { readonly registry: string; readonly digest: string }) => Promise<void>,
): Promise<Pruning> {
  const registry = await watchedRegistry()
  onTestFinished(() => registry[Symbol.asyncDispose]())
  const old = image({ label: 'old', created: daysAgo(90) })
  await registry.oracle.push(old, 'dev/api', 'pr-1')
  await registry.oracle.push(old, 'dev/web', 'pr-1')
  const cwd = await tempFolder()
  const config = {
    version: 1,
    environments: { dev: { registry: registry.host, path: 'dev/{image}' } },
    images: { api: {}, web: {} },
    registries: { [registry.host]: { aliases: ['mirror.example.com'] } },
    audit: { file: join(cwd, 'audit.jsonl') },
    retention: {
      rules: [
        { name: 'by age', repositories: ['@dev/api'], olderThan: '30d' },
        { name: 'by name', repositories: ['@dev/web'], tags: ['pr-*'] },
      ],
    },
  }
  await writeFile(join(cwd, 'dray.yaml'), JSON.stringify(config))
  await write(join(cwd, 'audit.jsonl'), { registry: registry.host, digest: old.root.digest })
  const context = new Context({ configFile: undefined, env: { HOME: cwd }, cwd, version: '0' })
  onTestFinished(() => context.close())
  const args = { policy: undefined, exclude: [], shard: undefined, inUse: [], cache: false }
  const inputs = await gatherPruneInputs({ ...args, patterns: [], auditFile: undefined }, context, call)
  return await planPrune(inputs, context, call)
}

const deletedIn = ({ plan }: Pruning): readonly string[] =>
  plan.repositories.flatMap(({ image: name, count }) => (count.deleted > 0 ? [name] : []))

describe('the audit log of a prune', () => {
  it('need not exist', async () => {
    expect(deletedIn(await pruneWith(async () => undefined))).toEqual(['@dev/api', '@dev/web'])
  })

  it('keeps what was promoted under another name of the registry', async () => {
    const pruning = await pruneWith(async (path, { digest }) => {
      const log = openLog(path)
      const repository = { registry: 'mirror.example.com', path: 'dev/api' }
      const target = { mediaType: 'm', digest: parseDigest(digest), size: 1 }
      await log.write([outcome({ step: tagStep('t1', { repository, target }), time: daysAgo(0.01) })])
      await log.close()
    })
    expect(deletedIn(pruning)).toEqual(['@dev/web'])
  })

  it('refuses the repositories that need it if it is damaged, and no others', async () => {
    const pruning = await pruneWith(async (path) => await writeFile(path, 'this is no record\n'))
    expect(deletedIn(pruning)).toEqual(['@dev/web'])
    expect(pruning.plan.refusals).toMatchObject([
      {
        repository: { path: 'dev/api' },
        error: { code: 'audit', hint: expect.stringContaining('dray audit verify') },
      },
    ])
  })
})
