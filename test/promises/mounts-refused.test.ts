import { describe, expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { bench, executePlan, planOf, repository } from '../support/promotion.ts'
import { world } from '../support/world.ts'
import { workplace } from '../support/workplace.ts'

const copies = 32
/** Bytes, several times the buffer of a stream, so that uploads wait for their readers. */
const layerSize = 300_000
const images = Array.from({ length: copies }, (_, i) => ({
  name: `app-${i}`,
  content: image({ label: `app-${i}`, layers: 2, layerSize }),
}))

async function startWorld() {
  const planned = world({ staging: { abilities: { mount: false } } })
  for (const { name, content } of images) planned.has(`${name}:1.4.2`, content)
  return planned.start()
}

describe('32 copies within one registry that rejects every mount', () => {
  it('do not block each other', async () => {
    const w = await startWorld()
    const here = await workplace(w.config)
    const names = images.map(({ name }) => `${name}:1.4.2`)
    const ended = await here.json('promote', ...names, '--from', 'staging', '--to', 'prod', '--yes')
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.document.result?.transferred).toMatchObject({ mounted: 0, uploaded: copies * 3 })
    for (const { name, content } of images) {
      expect(await w.staging.oracle.differences(`prod/${name}`, content, '1.4.2')).toEqual([])
    }
    const answers = w.staging.requests.filter(({ method, query }) => method === 'POST' && query.has('mount'))
    expect(answers.every(({ status }) => status === 202)).toBe(true)
    expect(answers).toHaveLength(copies * 3)
  })

  it('do not block each other if they upload in chunks', async () => {
    const w = await startWorld()
    await using run = await bench({ uploads: { wholeUpTo: 1000, chunk: 100_000 } })
    const plan = await planOf(
      run,
      ...images.map(({ name }) => ({
        from: repository(w.staging, `staging/${name}`),
        to: [repository(w.staging, `prod/${name}`)],
      })),
    )
    const done = await executePlan(run, plan)
    expect(done.placements.filter(({ status }) => status !== 'promoted')).toEqual([])
    for (const { name, content } of images) {
      expect(await w.staging.oracle.differences(`prod/${name}`, content, '1.4.2')).toEqual([])
    }
  })
})
