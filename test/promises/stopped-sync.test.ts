import { expect, it } from 'vitest'
import { image } from '../support/images.ts'
import { workplace } from '../support/workplace.ts'
import { watchedRegistry } from '../support/world.ts'

it('a sync that Ctrl-C stopped remembers the tags that it wrote', async () => {
  let onRequest: (method: string, path: string) => void = () => undefined
  await using source = await watchedRegistry()
  await using mirror = await watchedRegistry({ onRequest: ({ method, path }) => onRequest(method, path) })
  const tags = Array.from({ length: 30 }, (_, i) => `v${i}`)
  const push = async (label: string): Promise<void> => {
    for (const tag of tags) await source.oracle.push(image({ label: `${label} ${tag}` }), 'up/api', tag)
  }
  const to = `${mirror.host}/mirror/{repository}`
  const rule = { name: 'hub', from: `${source.host}/up`, repositories: ['api'], to }
  const place = await workplace(JSON.stringify({ version: 1, sync: [rule] }))
  await push('first')
  expect((await place.run('sync', '--yes')).code).toBe(0)

  await push('second')
  const running = place.start('sync', '--yes')
  onRequest = (method, path) => {
    if (method !== 'PUT' || !tags.some((tag) => path.endsWith(`/manifests/${tag}`))) return
    onRequest = () => undefined
    running.child.kill('SIGINT')
  }
  expect(await running.ended).toBe(130)

  await push('third')
  const ended = await place.run('sync', '--yes')
  expect(ended.stderr + ended.stdout).not.toContain('changed by another client')
  expect(ended.code).toBe(0)
})
