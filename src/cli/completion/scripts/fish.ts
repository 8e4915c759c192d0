/** The completion script for fish 3.0 and later. */
export const fishScript = String.raw`# Completion of dray for fish.
function __dray_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct | string unescape)
    set -l lines (dray __complete --word="$current" -- $words[2..-1] 2>/dev/null </dev/null)
    switch "$lines[-1]"
        case :files :folders
            set -l kept (string match -r '^(?:oci:|.*=)' -- "$current")
            set -l path (string sub -s (math (string length -- "$kept") + 1) -- "$current")
            if test "$lines[-1]" = :files
                __fish_complete_path "$path" | string replace -r '^' -- "$kept"
            else
                __fish_complete_directories "$path" '' | string replace -r '^' -- "$kept"
            end
        case :continue
            # fish adds a blank to the only candidate unless it ends with a slash or an equals sign.
            test (count $lines) = 2; and string replace -rf '([^/=])$' '$1:' -- $lines[1]
            printf '%s\n' $lines[1..-2]
        case '*'
            test (count $lines) -gt 0; and printf '%s\n' $lines
    end
end
complete -c dray -e
complete -c dray -k -f -a '(__dray_complete)'
`
