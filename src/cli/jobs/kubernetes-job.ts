import type { PrintedJob } from './printed-job.ts'
import { yamlText } from './yaml-text.ts'

/** The user of dray's container image. */
const user = 65_532

/**
 * Returns a CronJob that creates an indexed Job with a pod for each shard (Kubernetes, batch/v1).
 * The index of a pod is the number of its shard, from 0.
 */
export function kubernetesJob({ command, args, shards, image }: PrintedJob): string {
  const index = '$(JOB_COMPLETION_INDEX)'
  // Kubernetes replaces `$(NAME)` in arguments. `$$` is a dollar sign.
  const given = args.map((arg) => arg.replaceAll('$', '$$$$'))
  const shard = ['--shard', `${index}/${shards}`, '--config', '/etc/dray/dray.yaml']
  const rights = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  const state = { name: 'state', mountPath: '/state' }
  return yamlText({
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: `dray-${command}` },
    spec: {
      schedule: '17 3 * * *',
      concurrencyPolicy: 'Forbid',
      jobTemplate: {
        spec: {
          completionMode: 'Indexed',
          completions: shards,
          parallelism: shards,
          backoffLimitPerIndex: 2,
          template: {
            spec: {
              restartPolicy: 'Never',
              automountServiceAccountToken: false,
              // dray refuses a state folder that other users can write to, such as a volume's root.
              initContainers: [
                {
                  name: 'folder',
                  image,
                  command: [
                    'sh',
                    '-c',
                    `mkdir -p "/state/$JOB_COMPLETION_INDEX" && chown ${user} "/state/$JOB_COMPLETION_INDEX"`,
                  ],
                  securityContext: { runAsUser: 0 },
                  volumeMounts: [state],
                },
              ],
              containers: [
                {
                  name: 'dray',
                  image,
                  args: [command, ...given, ...shard],
                  securityContext: { runAsNonRoot: true, runAsUser: user, runAsGroup: user, ...rights },
                  env: [
                    { name: 'XDG_STATE_HOME', value: `/state/${index}` },
                    { name: 'XDG_CACHE_HOME', value: `/state/${index}` },
                    { name: 'DOCKER_CONFIG', value: '/etc/docker' },
                  ],
                  volumeMounts: [
                    { name: 'config', mountPath: '/etc/dray', readOnly: true },
                    { name: 'docker', mountPath: '/etc/docker', readOnly: true },
                    state,
                  ],
                },
              ],
              volumes: [
                { name: 'config', configMap: { name: 'dray' } },
                {
                  name: 'docker',
                  secret: {
                    secretName: 'dray-docker',
                    items: [{ key: '.dockerconfigjson', path: 'config.json' }],
                  },
                },
                { name: 'state', persistentVolumeClaim: { claimName: 'dray-state' } },
              ],
            },
          },
        },
      },
    },
  })
}
