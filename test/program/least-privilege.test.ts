import { expect, it } from 'vitest'
import { guarded, loggedIn, secret } from '../support/guarded-registry.ts'

const retention = `retention:
  rules:
    - name: all
      repositories: ["@staging/api"]
      tags: ["*"]
      olderThan: 1m
`
const read = 'repository:staging/api:pull'

it.each([
  ['ls', ['ls', '@staging/api'], [read]],
  ['inspect', ['inspect', '@staging/api:1.4.2'], [read]],
  ['status', ['status', 'api'], ['repository:staging/api:pull repository:prod/api:pull']],
  ['diff', ['diff', 'staging', 'prod', 'api'], undefined],
  ['history', ['history', 'api'], undefined],
  ['explain', ['explain', '@staging/api:1.4.2'], [read]],
  ['prune, without --apply', ['prune', '@staging/api'], [read]],
  [
    'promote --dry-run',
    ['promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--dry-run'],
    ['repository:prod/api:pull repository:staging/api:pull'],
  ],
])('%s asks for the right to pull alone', async (_, words, exactly) => {
  const registry = await guarded({ scheme: 'bearer' })
  const place = await loggedIn(registry.name, secret, retention)
  expect((await place.run(...words)).code).toBeLessThanOrEqual(4)
  const asked = registry.scopes()
  expect(asked.length).toBeGreaterThan(0)
  expect(asked.join(' ')).not.toMatch(/push|delete|\*/)
  expect(asked).toEqual(exactly ?? asked)
})

it.each([
  [
    'promote',
    ['promote', 'api:1.4.2', '--from', 'staging', '--to', 'prod', '--yes'],
    ['repository:prod/api:pull,push repository:staging/api:pull'],
  ],
  [
    'copy',
    ['copy', '@staging/api:1.4.2', '@prod/other:1.0.0', '--yes'],
    ['repository:prod/other:pull,push repository:staging/api:pull'],
  ],
  ['tag', ['tag', '@staging/api:1.4.2', '1.5.0', '--yes'], ['repository:staging/api:pull,push']],
])('%s asks for the right to push where it writes, and nowhere else', async (_, words, exactly) => {
  const registry = await guarded({ scheme: 'bearer' })
  const place = await loggedIn(registry.name, secret)
  expect(await place.run(...words)).toMatchObject({ code: 0 })
  expect(registry.scopes()).toEqual(exactly)
})

it('prune --apply asks for the right to delete only where it is about to delete', async () => {
  const registry = await guarded({ scheme: 'bearer' })
  const place = await loggedIn(registry.name, secret, retention)
  expect(await place.run('prune', '@staging/api', '--apply', '--yes')).toMatchObject({ code: 0 })
  expect(registry.scopes()).toEqual([read, 'repository:staging/api:pull,delete'])
})
