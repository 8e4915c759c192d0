import type { RepositoryName } from '../oci/reference.ts'
import { escapeText } from './text/escape.ts'

/**
 * The name of one target among `all` of an environment. If there are several, it includes the part
 * of the registry that differs (`prod (eu-west-1)`), or a number.
 */
export function formatTargetName(environment: string, at: number, all: readonly RepositoryName[]): string {
  if (all.length < 2) return escapeText(environment)
  const registries = all.map(({ registry }) => registry)
  const isByRegistry = new Set(registries).size === all.length
  const which = isByRegistry ? findDistinctParts(registries)[at] : String(at + 1)
  return escapeText(`${environment} (${which})`)
}

/** The labels in which host names differ. IP addresses and identical hosts stay whole. */
function findDistinctParts(registries: readonly string[]): readonly string[] {
  const hosts = registries.map((registry) => registry.split('.'))
  const isName = registries.every((registry) => /[a-z]/i.test(registry))
  const alike = (label: (host: readonly string[]) => string | undefined): boolean =>
    new Set(hosts.map(label)).size === 1 && hosts.every((host) => label(host) !== undefined)
  let [begin, end] = [0, 0]
  while (alike((host) => host[begin])) begin++
  while (alike((host) => host.at(-1 - end))) end++
  const parts = hosts.map((host) => host.slice(begin, host.length - end).join('.'))
  return isName && parts.every((part) => part !== '') ? parts : registries
}
