import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startRegistry } from '../../src/embedded/server.ts'
import { memoryStorage } from '../../src/embedded/storage/memory-storage.ts'
import type { AuditRecord } from '../../src/audit/log/record.ts'
import { image } from '../support/images.ts'
import { Oracle } from '../support/oracle.ts'
import { dray } from '../support/program.ts'
import { tempFolder } from '../support/temp.ts'

const runs = 4

/** What a PUT of the tag wrote, and what the tag pointed at before. */
interface TagPut {
  readonly before: string | null
  readonly after: string
}

/**
 * A registry that keeps the first PUT of `prod/api:stable` until all runs have read the tag twice,
 * for their plan and as their check.
 */
async function startRacingRegistry() {
  const puts: TagPut[] = []
  const allChecked = Promise.withResolvers<void>()
  const storage = memoryStorage()
  let reads = 0
  let isRacing = false
  const putManifest = storage.putManifest.bind(storage)
  storage.putManifest = async (repository, manifest, tags) => {
    if (isRacing && repository === 'prod/api' && tags.includes('stable')) {
      await allChecked.promise
      const before = (await storage.tag(repository, 'stable')) ?? null
      puts.push({ before, after: manifest.digest })
    }
    await putManifest(repository, manifest, tags)
  }
  const running = await startRegistry({
    storage,
    onRequest: ({ method, path }) => {
      if ((method === 'HEAD' || method === 'GET') && path === '/v2/prod/api/manifests/stable') reads++
      if (reads === 2 * runs) allChecked.resolve()
    },
  })
  onTestFinished(() => running.close())
  return { ...running, puts, begin: () => void (isRacing = true) }
}

function sortMoves<T extends { readonly after: string | null | undefined }>(
  moves: readonly T[],
): readonly T[] {
  return moves.toSorted((a, b) => String(a.after).localeCompare(String(b.after)))
}

it('the audit log says what each of several runs replaced that move one tag at once', async () => {
  const { registry, port, puts, begin } = await startRacingRegistry()
  const [folder, oracle] = [await tempFolder(), new Oracle(registry)]
  await oracle.push(image({ label: 'first' }), 'prod/api', 'stable')
  for (let run = 0; run < runs; run++) await oracle.push(image({ label: `${run}` }), 'dev/api', `b${run}`)
  begin()
  const log = join(folder, 'audit.jsonl')
  const ended = await Promise.all(
    Array.from({ length: runs }, (_, run) => {
      // Each run has a home of its own and another name of the registry.
      const host = run % 2 === 0 ? registry : `localhost:${port}`
      const args = [`${host}/dev/api:b${run}`, `${host}/prod/api`, '--tag', 'stable', '--yes']
      const home = join(folder, `home-${run}`)
      return dray(['promote', ...args, '--audit-file', log], { env: { HOME: home, XDG_STATE_HOME: home } })
    }),
  )
  const moves = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as AuditRecord)
    .filter(({ phase, step, result }) => phase === 'outcome' && step?.kind === 'tag' && result === 'done')
    .map(({ before, after }) => ({ before, after }))
  // A run records its outcome after it has released the lock of the tag.
  expect(sortMoves(moves)).toEqual(sortMoves(puts))
  expect(ended.filter(({ code }) => code === 0)).toHaveLength(puts.length)
})
