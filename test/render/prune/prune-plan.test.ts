import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../src/oci/digest.ts'
import type { PrunePlan, TagVerdict, Why } from '../../../src/plan/prune/prune-plan.ts'
import { deleteQuestion, renderPrunePlan } from '../../../src/render/prune/prune-plan.ts'
import { plainStyle } from '../../../src/render/text/style.ts'
import { displayWidth } from '../../../src/render/text/width.ts'
import { manifestVerdict, prunePlan, repositoryPlan, tagVerdict, whys } from '../../support/prune-plans.ts'

const at = (width: number | undefined) => ({ style: plainStyle, width })
const linesOf = (plan: PrunePlan, width: number | 'pipe' = 100, all = false): readonly string[] =>
  renderPrunePlan(plan, at(width === 'pipe' ? undefined : width), { all }).split('\n')

const old = (tag: string, over: Partial<TagVerdict> = {}): TagVerdict =>
  tagVerdict(tag, 'delete', whys.rule, { days: 41, ...over })
const many = (count: number, make: (i: number) => TagVerdict): readonly TagVerdict[] =>
  Array.from({ length: count }, (_, i) => make(i))
const cannotUntag: Why = {
  kind: 'cannotUntag',
  by: 'pulls',
  text: 'pulls: 20d old, but sha256:0 is kept, and this registry cannot delete single tags',
}
const error = {
  code: 'forbidden',
  message: 'the list of tags cannot be read',
  status: 403,
  why: 'denied',
  hint: 'Log in.',
} as const

const api = repositoryPlan(
  '@dev/api',
  [
    tagVerdict('1.4.2', 'keep', whys.protected, { days: 200 }),
    old('nightly-1'),
    old('nightly-1-b', { digest: digestOf('nightly-1') }),
    old('nightly-2'),
    tagVerdict(
      'pr-7',
      'untag',
      { kind: 'rule', by: 'pulls', text: 'pulls: 20d old, older than 14d' },
      {
        days: 20,
        digest: digestOf('1.4.2'),
      },
    ),
  ],
  {
    others: [
      manifestVerdict('nightly-1', 'amd64', 'child'),
      manifestVerdict('nightly-1', 'arm64', 'child'),
      manifestVerdict('amd64', 'sbom', 'evidence'),
      manifestVerdict('nightly-2', 'x', 'child'),
    ],
  },
)

describe('a plan to prune', () => {
  it('shows the verdict and reason of each tag, deleted manifests and the totals', () => {
    const plan = prunePlan([api], {
      policyName: 'nightly',
      inUse: [
        { name: 'gitops/**/*.yaml', images: 30 },
        { name: 'context prod', images: 7 },
      ],
    })
    expect(renderPrunePlan(plan, at(100))).toBe(
      `
@dev/api  r.example.com/dev/api
  3 images: 2 to delete (6 manifests, 300 MiB), 1 tag to delete, 1 to keep
  VERDICT  TAG                   AGE     SIZE  WHY
  delete   nightly-1             41d  120 MiB  nightlies: 41d old, older than 30d
  delete   nightly-1-b           41d           nightlies: 41d old, older than 30d
             and its 2 child manifests, 1 attached artifact
  delete   nightly-2             41d  120 MiB  nightlies: 41d old, older than 30d
  delete     child 2d711642b726       3.0 MiB  part of sha256:369703cad2d3, which is deleted
  untag    pr-7                  20d  120 MiB  pulls: 20d old, older than 14d
  keep     1.4.2                 6mo  120 MiB  protected: releases

In use: 30 images by gitops/**/*.yaml, 7 by context prod
Plan for 1 repository by the policy nightly: 2 images to delete (6 manifests), 1 tag to delete, 1
image to keep.
After the deletes, no image refers to 300 MiB. The registry frees this space at its next garbage
collection.`.trim(),
    )
  })

  it('shows long reasons below their line without cutting them', () => {
    const tag = `nightly-${'very-'.repeat(15)}long`
    const plan = prunePlan([repositoryPlan('@dev/api', [old(tag), tagVerdict('1', 'keep', whys.unmatched)])])
    const [, , ...lines] = linesOf(plan, 60)
    expect(lines.slice(0, 7)).toEqual([
      '  VERDICT  TAG                                  AGE     SIZE',
      '  delete   nightly-very-very-very-very-very-ve  41d  120 MiB',
      '           ry-very-very-very-very-very-very-ve',
      '           ry-very-very-long',
      '             nightlies: 41d old, older than 30d',
      '  keep     1                                      -  120 MiB',
      '             no rule selects it',
    ])
  })

  it.each([60, 80, 100, 200])('fits %i columns with any names, and escapes control characters', (width) => {
    const names = ['t'.repeat(128), '漢字'.repeat(40), '👩‍👩‍👧‍👦🇩🇪', 'e\u0301'.repeat(100), '\u001b[2J\n::error::x']
    const why = { kind: 'rule', by: names.join(' '), text: names.join(' ') } as const
    const tags = names.flatMap((name) => [
      old(name, { why }),
      tagVerdict(`k${name}`, 'keep', { ...why, kind: 'protection' }),
      tagVerdict(`u${name}`, 'untag', why),
    ])
    const long = repositoryPlan(`@dev/${'team/'.repeat(60)}api`, tags, {
      others: names.map((name) => manifestVerdict(names[0] ?? '', name, 'evidence', { why })),
    })
    const plan = prunePlan([long, api], {
      policyName: names.join(),
      inUse: names.map((name) => ({ name, images: 3 })),
    })
    for (const all of [false, true])
      for (const line of linesOf(plan, width, all)) {
        expect(displayWidth(line)).toBeLessThanOrEqual(width)
        expect(line).not.toContain('\u001b')
        expect(line).not.toMatch(/^\s*::/)
      }
  })

  it('summarises many kept tags by reason, and lists them with `all`', () => {
    const kept = many(412, (i) => tagVerdict(`v${i}`, 'keep', i < 400 ? whys.unmatched : whys.young))
    const plan = prunePlan([repositoryPlan('@dev/api', [old('n-1'), ...kept])])
    expect(linesOf(plan).slice(4, 6)).toEqual([
      '  keep     400 tags: not selected by a rule',
      '  keep     12 tags: kept by nightlies',
    ])
    expect(linesOf(plan, 100, true).filter((line) => line.startsWith('  keep '))).toHaveLength(412)
    // The tags of all repositories are counted together.
    const each = Array.from({ length: 60 }, (_, i) =>
      repositoryPlan(`@dev/${i}`, [old('n'), ...kept.slice(0, 5)]),
    )
    expect(
      linesOf(prunePlan(each)).filter((line) => line === '  keep     5 tags: not selected by a rule'),
    ).toHaveLength(60)
  })

  it('lists at most a thousand deletes of a repository on a terminal, and all in a pipe', () => {
    const plan = prunePlan([
      repositoryPlan(
        '@dev/api',
        many(1345, (i) => old(`n${i}`)),
      ),
    ])
    const screen = linesOf(plan)
    expect(screen.filter((line) => /^ {2}delete {3}n\d/.test(line))).toHaveLength(1000)
    expect(screen).toContain('  delete   345 more tags: nightlies')
    for (const lines of [linesOf(plan, 'pipe'), linesOf(plan, 100, true)])
      expect(lines.filter((line) => line.startsWith('  delete'))).toHaveLength(1345)
  })

  it('counts the tags of attached artifacts of kept images, and lists them with --all', () => {
    const attached: Why = { kind: 'evidence', by: digestOf('image'), text: 'attached to a kept image' }
    const plan = prunePlan([
      repositoryPlan('@dev/api', [
        tagVerdict('1.4.2', 'keep', whys.unmatched),
        tagVerdict('sha256-aa.sig', 'keep', attached),
        tagVerdict('sha256-bb.sig', 'keep', attached),
      ]),
    ])
    expect(linesOf(plan, 100).filter((line) => line.startsWith('  keep'))).toEqual([
      expect.stringContaining('1.4.2'),
      '  keep     2 tags: attached to a kept image',
    ])
    expect(linesOf(plan, 100, true).join('\n')).toContain('sha256-bb.sig')
  })

  it('lists unusual kept tags, also among many kept tags', () => {
    const orphan: Why = { kind: 'evidence', text: 'orphaned' }
    const plan = prunePlan([
      repositoryPlan('@dev/api', [
        ...many(100, (i) => tagVerdict(`v${i}`, 'keep', whys.unmatched)),
        tagVerdict('gone', 'keep', { kind: 'dangling', text: 'the tag has no manifest' }, { digest: null }),
        tagVerdict('sha256-aa.sig', 'keep', orphan),
        tagVerdict('pr-9', 'keep', cannotUntag),
      ]),
      repositoryPlan('@dev/web', [tagVerdict('1', 'keep', whys.unmatched)]),
    ])
    const text = renderPrunePlan(plan, at(200))
    expect(text).toMatch(/keep +gone +- .*the tag has no manifest\n/)
    expect(text).toMatch(/keep +sha256-aa\.sig .*orphaned\n/)
    expect(text).toMatch(/keep +pr-9 .*this registry cannot delete single tags\n/)
    expect(text).toContain('  keep     100 tags: not selected by a rule\n')
  })

  it('shows orphaned manifests of an interrupted run, and children that are kept', () => {
    const shared: Why = { kind: 'reached', text: 'also part of sha256:0, which is kept' }
    const plan = prunePlan([
      repositoryPlan('@dev/api', [old('n-1')], {
        others: [
          manifestVerdict('lost', 'lost-index', 'orphaned'),
          manifestVerdict('lost-index', 'lost-child', 'orphaned'),
          manifestVerdict('n-1', 'a', 'child'),
          manifestVerdict('n-1', 'b', 'child', { verdict: 'keep', why: shared }),
          manifestVerdict('n-1', 'c', 'child', { verdict: 'keep', why: shared }),
        ],
        roots: [digestOf('running')],
      }),
    ])
    expect(linesOf(plan).slice(2, 9)).toEqual([
      '  VERDICT  TAG                      AGE     SIZE  WHY',
      '  delete   n-1                      41d  120 MiB  nightlies: 41d old, older than 30d',
      '             and its 1 child manifest',
      '             2 manifests kept: another image needs them',
      expect.stringMatching(/^ {2}delete {3}orphaned [0-9a-f]{12} /),
      expect.stringMatching(/^ {2}delete {5}orphaned [0-9a-f]{12} /),
      '  keep     1 image without a tag: in use',
    ])
  })

  it('shows and counts superseded digests, with the kept ones last', () => {
    const kept = { verdict: 'keep', why: { ...whys.young, text: 'old: among the newest 1' }, of: [] } as const
    const others = [
      manifestVerdict('', 'newest', 'superseded', { ...kept, formerTags: ['stable'] }),
      manifestVerdict('', 'former', 'superseded', {
        of: [],
        why: whys.rule,
        formerTags: ['stable'],
        lastTaggedAt: '2026-11-20T05:02:00.000Z',
      }),
    ]
    const count = { images: 1, deleted: 0, superseded: 1 }
    const stable = tagVerdict('stable', 'keep', whys.unmatched, { days: 1 })
    const plan = prunePlan([repositoryPlan('@dev/api', [stable], { others, count })])
    const text = linesOf(plan).join('\n')
    expect(text).toContain('1 image: 1 superseded to delete (1 manifest, 0 B), 1 to keep')
    expect(text).toMatch(/delete +superseded \S+ +5d +3\.0 MiB[\s\S]*keep +superseded .*among the newest 1/)
    expect(text).toContain('1 superseded image to delete (1 manifest), 1 image to keep.')
    expect(deleteQuestion(plan)).toBe('Delete 1 superseded image?')
  })

  it('lists a tag on a broken index by name, among many kept tags', () => {
    const tags = many(60, (i) => tagVerdict(`v${i}`, 'keep', whys.unmatched, { days: i }))
    const missingChildren = [{ digest: digestOf('child'), platform: 'linux/arm64' }]
    const broken = tagVerdict('1.4', 'keep', whys.unmatched, { days: 9, missingChildren })
    const text = linesOf(prunePlan([repositoryPlan('@dev/api', [...tags, broken])])).join('\n')
    expect(text).toMatch(/keep +1\.4 .*broken index: missing child linux\/arm64/)
  })

  it('names the missing child of a broken index once if the rule names it', () => {
    const missingChildren = [{ digest: digestOf('child'), platform: 'linux/arm64' }]
    const why = { kind: 'rule', by: 'broken', text: 'broken: missing child linux/arm64 for 31d' } as const
    const broken = tagVerdict('1.4', 'delete', why, { days: 9, missingChildren })
    const text = linesOf(prunePlan([repositoryPlan('@dev/api', [broken])])).join('\n')
    expect(text.match(/missing child/g)).toHaveLength(1)
  })

  it('does not count evidence tags as images', () => {
    const sig = manifestVerdict('n-1', 'sig', 'evidence')
    const tag = tagVerdict('sha256-aa.sig', 'delete', sig.why, { digest: sig.digest })
    const text = renderPrunePlan(
      prunePlan([repositoryPlan('@dev/api', [old('n-1'), tag], { others: [sig] })]),
      at(100),
    )
    expect(text).not.toContain('sha256-aa.sig')
    expect(text).toContain('1 image to delete (2 manifests)')
  })

  it('summarises 500 repositories without deletes in one line', () => {
    const idle = Array.from({ length: 500 }, (_, i) =>
      repositoryPlan(
        `@dev/${i}`,
        many(3, (n) => tagVerdict(`v${n}`, 'keep', whys.unmatched)),
      ),
    )
    expect(linesOf(prunePlan([...idle, api])).slice(-5)).toEqual([
      'Nothing to delete in 500 repositories, 1500 images to keep',
      '',
      'Plan for 501 repositories: 2 images to delete (6 manifests), 1 tag to delete, 1501 images to keep.',
      'After the deletes, no image refers to 300 MiB. The registry frees this space at its next garbage',
      'collection.',
    ])
    expect(linesOf(prunePlan(idle))).toEqual([
      'Nothing to delete in 500 repositories, 1500 images to keep',
      '',
      'Plan for 500 repositories: nothing to delete, 1500 images to keep.',
    ])
  })

  it('shows why each tag is kept if the only repository has no deletes', () => {
    const plan = prunePlan([
      repositoryPlan('r.example.com/api', [tagVerdict('1', 'keep', whys.unmatched)], {
        repository: { registry: 'r.example.com', path: 'api' },
      }),
    ])
    expect(renderPrunePlan(plan, at(80))).toBe(
      `
r.example.com/api
  1 image: 1 to keep
  VERDICT  TAG  AGE     SIZE  WHY
  keep     1      -  120 MiB  no rule selects it

Plan for 1 repository: nothing to delete, 1 image to keep.`.trim(),
    )
  })

  it('shows the deletes that a limit refuses, then the refusals by reason', () => {
    const refused = { ...api, steps: [], freed: 0 }
    const limit = {
      code: 'refused',
      message: 'the deletes violate a limit',
      subject: 'r.example.com/dev/api',
    } as const
    const unread = ['a', 'b'].map((name) => ({
      repository: { registry: 'r.example.com', path: `dev/${name}` },
      error: { ...error, subject: `r.example.com/dev/${name}` },
    }))
    const plan = prunePlan([refused], { refusals: [{ repository: api.repository, error: limit }, ...unread] })
    const text = renderPrunePlan(plan, at(80))
    expect(text).toContain('  3 images: 2 to delete, refused (nothing is deleted)\n  VERDICT')
    expect(text).toMatch(/\n {2}delete {3}nightly-1 /)
    expect(text.slice(text.indexOf('refused  @dev/api'))).toBe(
      `
refused  @dev/api
  the deletes violate a limit: r.example.com/dev/api

refused  r.example.com/dev/a
         r.example.com/dev/b
  the list of tags cannot be read
    why: HTTP 403, denied
    fix: Log in.

Plan for 3 repositories: 3 images to keep, 3 repositories refused.`.trim(),
    )
  })

  it('ends with the refusal if the whole run is refused', () => {
    const whole = {
      error: { code: 'refused', message: 'the protection "prod-*" matches nothing', hint: 'Fix it.' },
    } as const
    const text = renderPrunePlan(prunePlan([{ ...api, steps: [], freed: 0 }], { refusals: [whole] }), at(80))
    expect(text).toContain('  3 images: 2 to delete, refused (nothing is deleted)\n')
    expect(text).toMatch(/\n {2}delete {3}nightly-1 /)
    expect(text.split('\n').slice(-5)).toEqual([
      'REFUSED: dray deletes nothing in any repository.',
      '  the protection "prod-*" matches nothing',
      '    fix: Fix it.',
      '',
      'Plan for 1 repository: 3 images to keep, 1 repository refused.',
    ])
  })

  it('shows verdicts by colour too', () => {
    const style = { ...plainStyle, red: (text: string) => `[${text}]`, yellow: (text: string) => `<${text}>` }
    const text = renderPrunePlan(prunePlan([api]), { style, width: 100 })
    expect(text).toContain('[delete ]')
    expect(text).toContain('<untag  >')
  })

  it('reports that referrers are read again before the first delete', () => {
    const text = renderPrunePlan(prunePlan([{ ...api, referrers: 'remembered' }]), at(undefined))
    expect(text).toContain(
      'Some lists of referrers are from an earlier run. dray reads them again before the first delete.',
    )
  })
})
