import type { PrintedJob } from './printed-job.ts'
import { yamlText } from './yaml-text.ts'

/** Returns a GitHub workflow with a job for each shard. */
export function githubWorkflow({ command, args, shards, action }: PrintedJob): string {
  const shard = '${{ matrix.shard }}'
  const line = [command, ...args].map(quoteArgument).map(escapeExpressions).join(' ')
  return yamlText({
    name: `dray ${command}`,
    on: { schedule: [{ cron: '17 3 * * *' }], workflow_dispatch: {} },
    permissions: { contents: 'read' },
    concurrency: `dray-${command}`,
    jobs: {
      [command]: {
        'runs-on': 'ubuntu-latest',
        strategy: { 'fail-fast': false, matrix: { shard: Array.from({ length: shards }, (_, i) => i + 1) } },
        steps: [
          { uses: 'actions/checkout@v5' },
          {
            uses: 'actions/cache@v4',
            with: {
              path: '.dray\n~/.cache/dray/content\n~/.cache/dray/repositories\n',
              key: `dray-${command}-${shard}-\${{ github.run_id }}`,
              'restore-keys': `dray-${command}-${shard}-`,
            },
          },
          {
            uses: action,
            with: { command: `${line} --shard ${shard}/${shards}` },
            env: {
              DOCKER_AUTH_CONFIG: '${{ secrets.DOCKER_AUTH_CONFIG }}',
              XDG_STATE_HOME: '${{ github.workspace }}/.dray',
            },
          },
        ],
      },
    },
  })
}

/** Quotes an argument for the input `command` of dray's action, which no shell reads. */
function quoteArgument(text: string): string {
  if (/^[^ \t\r\n'"\\]+$/.test(text)) return text
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}

/** GitHub evaluates `${{ … }}` in inputs. */
function escapeExpressions(text: string): string {
  return text.replaceAll('${{', "${{ '${{' }}")
}
