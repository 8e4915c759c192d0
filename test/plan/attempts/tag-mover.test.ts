import { expect, it } from 'vitest'
import { formatTagMover, type TagMover } from '../../../src/plan/attempts/tag-mover.ts'

const mover: TagMover = {
  run: 'run-1',
  operation: 'promote',
  image: 'api:1.5.0',
  actor: { user: 'ada', host: 'laptop' },
  time: '2026-11-23T00:00:00.000Z',
  phase: 'outcome',
}
const run = 'https://ci.example.com/runs/1'

it.each<[string, TagMover | null, string]>([
  [
    'an outcome',
    mover,
    'Run run-1 made that change: promote of api:1.5.0 by ada@laptop at 2026-11-23T00:00:00.000Z.',
  ],
  [
    'an intent without an outcome',
    { ...mover, phase: 'intent' },
    'Run run-1 recorded the intent of that change: promote of api:1.5.0 by ada@laptop at 2026-11-23T00:00:00.000Z.',
  ],
  [
    'a CI job',
    { ...mover, actor: { ...mover.actor, ci: { service: 'github', user: 'octocat', run } } },
    `Run run-1 made that change: promote of api:1.5.0 by octocat (${run}) at 2026-11-23T00:00:00.000Z.`,
  ],
  [
    'a name given with --actor',
    { ...mover, actor: { ...mover.actor, says: 'Ada' } },
    'Run run-1 made that change: promote of api:1.5.0 by ada@laptop (--actor "Ada") at 2026-11-23T00:00:00.000Z.',
  ],
  ['no record', null, 'The audit log has no record of that change.'],
])('the sentence about who moved a tag says what the audit log has: %s', (_, moved, sentence) => {
  expect(formatTagMover(moved)).toBe(sentence)
})
