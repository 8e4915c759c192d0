import { describe, expect, it } from 'vitest'
import type { AuditRecord, RecordedStep } from '../../../src/audit/log/record.ts'
import { explainConflict } from '../../../src/execute/records/explain-conflict.ts'
import { DrayError } from '../../../src/lib/errors.ts'
import { type Digest, digestOf } from '../../../src/oci/digest.ts'
import { formatRepository } from '../../../src/oci/reference.ts'
import type { AttachStep, Step } from '../../../src/plan/plan.ts'
import { nothingTransferred, type StepOutcome } from '../../../src/plan/outcome.ts'
import { outcome as recordOf, tagStep } from '../../support/audit-log.ts'

const [seen, theirs] = [digestOf('seen'), digestOf('theirs')]
const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: theirs, size: 42 }
const { repository } = tagStep()
const step = tagStep('g1', {
  tag: 'latest',
  expect: [
    { kind: 'tag', repository, tag: 'latest', digest: seen },
    { kind: 'highest', repository, line: {}, version: '1.5.0', buildMetadata: false },
  ],
})
const conflict = (before: Digest | null): StepOutcome => ({
  step: 'g1',
  result: 'conflict',
  error: { code: 'conflict', message: 'it was moved', why: 'the plan saw something else' },
  before,
  transferred: nothingTransferred,
})
const deletes = { kind: 'deleteTag', id: 'd1', repository, tag: 'latest', digest: seen } as RecordedStep
const cosign: AttachStep = {
  ...step,
  kind: 'attach',
  subject: seen,
  manifest: { ...target, digest: digestOf('ours') },
  to: repository,
  via: 'tag',
  tag: 'latest',
}

/** A step of a calendar version of a variant. */
const ofVariant = tagStep('g1', {
  tag: 'alpine',
  expect: [
    { kind: 'tag', repository, tag: 'alpine', digest: seen },
    {
      kind: 'highest',
      repository,
      line: { variant: 'alpine' },
      version: '2024.04.1-alpine',
      buildMetadata: false,
      scheme: 'calver',
      variants: ['alpine'],
    },
  ],
})

/** Explains a conflict by a log with one record. */
const explained = (
  record: Partial<AuditRecord>,
  { of = step, before = theirs }: { of?: Step; before?: Digest | null } = {},
) =>
  explainConflict(of, conflict(before), {
    findRecord: async (isMatch) => [recordOf(record)].find(isMatch),
    identity: ({ registry, path }) => `${registry.replace('alias', 'prod')}/${path}`,
    hint: 'Run it again.',
  })

describe('a conflict is explained by a record', () => {
  it.each<[string, Partial<AuditRecord>, { of?: Step; before?: Digest | null }]>([
    ['that put the tag on what was found', { step: tagStep('t1', { tag: 'latest', target }) }, {}],
    [
      'that did so under another name of the registry',
      {
        step: tagStep('t1', {
          tag: 'latest',
          target,
          repository: { ...repository, registry: 'alias.example' },
        }),
      },
      {},
    ],
    ['that deleted the tag', { operation: 'prune', step: deletes }, { before: null }],
    [
      'that attached what was found under a cosign tag',
      { step: { ...cosign, manifest: target } },
      { of: cosign },
    ],
    ['that brought a higher version', { step: tagStep('t1', { tag: '1.6.0', target }) }, { before: seen }],
    [
      'that brought a higher calendar version of the variant',
      { step: tagStep('t1', { tag: '2024.10.1-alpine', target }) },
      { of: ofVariant, before: seen },
    ],
  ])('%s', async (_, record, found) => {
    const { movedBy, error } = await explained({ run: 'theirs', ...record }, found)
    expect(movedBy).toMatchObject({ run: 'theirs', phase: 'outcome', actor: { user: 'tester' } })
    expect(error).toMatchObject({
      why: expect.stringMatching(/^the plan saw something else\. Run theirs made that change: /),
      hint: 'Run it again.',
    })
  })

  it.each<[string, Partial<AuditRecord>, { of?: Step; before?: Digest | null }]>([
    ['of another tag', { step: tagStep('t1', { tag: '1', target }) }, {}],
    ['of another digest', { step: tagStep('t1', { tag: 'latest' }) }, {}],
    [
      'of another repository',
      { step: tagStep('t1', { tag: 'latest', target, repository: { ...repository, path: 'web' } }) },
      {},
    ],
    ['that did not delete the tag', { step: tagStep('t1', { tag: 'latest', target }) }, { before: null }],
    [
      'that brought a higher version of another variant',
      { step: tagStep('t1', { tag: '2024.10.1', target }) },
      { of: ofVariant, before: seen },
    ],
    ['that brought a lower version', { step: tagStep('t1', { tag: '1.4.0', target }) }, { before: seen }],
  ])('and not by one %s', async (_, record, found) => {
    const { movedBy, error } = await explained(record, found)
    expect(movedBy).toBeNull()
    expect(error?.why).toBe('the plan saw something else. The audit log has no record of that change.')
    expect(error).not.toHaveProperty('hint')
  })
})

it('a conflict stays as it is if the log cannot be read', async () => {
  const findRecord = () => Promise.reject(new DrayError('io', 'no'))
  expect(
    await explainConflict(step, conflict(theirs), { findRecord, identity: formatRepository, hint: '' }),
  ).toEqual(conflict(theirs))
})

it('only conflicts are explained', async () => {
  const findRecord = () => Promise.reject(new Error('the log was read'))
  const done: StepOutcome = { step: 'g1', result: 'done', before: seen, transferred: nothingTransferred }
  expect(await explainConflict(step, done, { findRecord, identity: formatRepository, hint: '' })).toBe(done)
})
