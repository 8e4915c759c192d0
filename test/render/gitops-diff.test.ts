import { describe, expect, it } from 'vitest'
import { parseDigest } from '../../src/oci/digest.ts'
import { parseRepository } from '../../src/oci/reference.ts'
import { renderGitOpsDiff, renderGitOpsSummary } from '../../src/render/gitops/diff.ts'
import { plainStyle } from '../../src/render/text/style.ts'
import type { GitOpsDiff } from '../../src/usecases/gitops/diff/gitops-diff.ts'

const [wanted, old] = ['1', '2'].map((letter) => parseDigest(`sha256:${letter.repeat(64)}`))
const page = { style: plainStyle, width: 120 }

const diff: GitOpsDiff = {
  environment: 'prod',
  images: [
    {
      image: 'api',
      state: 'declared-behind',
      desired: [
        {
          image: 'api',
          repository: parseRepository('r.test/prod/api'),
          digest: wanted ?? null,
          version: '1.4.2',
          platforms: [],
        },
      ],
      declared: [
        { by: 'a.yaml: image', tag: '1.4.2', digest: wanted ?? null, isPinned: true, state: 'in-sync' },
        { by: 'b.yaml: image', tag: '1.4.1', digest: old ?? null, isPinned: false, state: 'declared-behind' },
      ],
      running: [
        {
          context: 'eu',
          namespace: 'shop',
          workload: { kind: 'Deployment', name: 'api' },
          container: 'main',
          image: 'r.test/prod/api:1.4.1',
          digest: old ?? null,
          pods: 3,
          state: 'running-behind',
        },
      ],
    },
    { image: 'web', state: 'unused', desired: [], declared: [], running: [] },
  ],
  unread: [{ file: 'c.yaml', why: 'it is a template \u001B[31m' }],
  clusters: [{ context: 'eu' }],
  summary: {
    unmanaged: 0,
    'declared-behind': 1,
    'running-behind': 0,
    unknown: 0,
    'in-sync': 0,
    unused: 1,
  },
}

describe('a comparison of files and clusters', () => {
  it('shows a line for each image, and each place and container that is not in sync', () => {
    expect(`${renderGitOpsDiff(diff, page)}\n\n${renderGitOpsSummary(diff, page)}`).toBe(
      [
        'IMAGE  PROD   FILES                      CLUSTERS       STATE',
        'api    1.4.2  1 place behind, 1 in sync  3 pods behind  declared-behind',
        'web    -      -                          -              unused',
        '',
        'api',
        '  b.yaml: image                                    1.4.1 sha256:222222222222     declared-behind',
        '  cluster eu: shop Deployment/api, container main  sha256:222222222222 (3 pods)  running-behind',
        '',
        'not read: c.yaml (it is a template \\x1b[31m)',
        '',
        'prod, 2 images: 1 declared-behind, 1 unused',
      ].join('\n'),
    )
  })

  it('has no columns for files and clusters that were not compared', () => {
    const heading = renderGitOpsDiff({ ...diff, unread: null, clusters: [] }, page).split('\n')[0]
    expect(heading).toBe('IMAGE  PROD   STATE')
  })

  it('counts the clusters that were not read', () => {
    const error = { code: 'unavailable', message: 'no answer' } as const
    expect(renderGitOpsSummary({ ...diff, clusters: [{ context: 'eu', error }] }, page)).toContain(
      '1 cluster not read',
    )
  })
})
