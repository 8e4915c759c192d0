import { DrayError } from '../../lib/errors.ts'
import { project } from '../project.ts'
import { githubWorkflow } from './github-workflow.ts'
import { kubernetesJob } from './kubernetes-job.ts'
import type { PrintedJob } from './printed-job.ts'

export type JobKind = 'kubernetes' | 'github'

/** Flags of this run that a job does not have, and flags that it has a value of its own for. */
const withValue: ReadonlySet<string> = new Set(['--print-job', '--shards', '--shard', '--config'])
/** A matrix of a workflow generates at most 256 jobs (docs.github.com, matrix strategies). */
const maxShards: Readonly<Record<JobKind, number>> = { kubernetes: 10_000, github: 256 }

/**
 * Returns a CronJob with an indexed Job, or a GitHub workflow with a matrix, that runs the command
 * of this command line.
 * @param argv after the name of the command
 * @param shards the text of `--shards`; undefined: one
 * @throws `usage`
 */
export function printJob(
  kind: JobKind,
  command: PrintedJob['command'],
  argv: readonly string[],
  { shards, version }: { readonly shards: string | undefined; readonly version: string },
): string {
  const job: PrintedJob = {
    command,
    args: jobArguments(command, argv),
    shards: parseShards(shards ?? '1', kind),
    image: `${project.image}:${version}`,
    action: `${project.action}@v${version}`,
  }
  return kind === 'kubernetes' ? kubernetesJob(job) : githubWorkflow(job)
}

/** The arguments of a job. It changes without a confirmation. */
function jobArguments(command: PrintedJob['command'], argv: readonly string[]): readonly string[] {
  const args: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const arg = argv[i] ?? ''
    if (withValue.has(arg)) i++
    else if (![...withValue].some((flag) => arg.startsWith(`${flag}=`))) args.push(arg)
  }
  const changes = command === 'sync' ? !args.includes('--dry-run') : args.includes('--apply')
  return changes && !args.includes('--yes') && !args.includes('-y') ? [...args, '--yes'] : args
}

function parseShards(text: string, kind: JobKind): number {
  const shards = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (shards >= 1 && shards <= maxShards[kind]) return shards
  throw new DrayError('usage', `${JSON.stringify(text)} is not a value of --shards`, {
    hint: `Pass a number from 1 to ${maxShards[kind]}.`,
  })
}
