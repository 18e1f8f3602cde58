_aimlapi_video() {
    # bash splits words at = and : too; the program expects whole words, and bash whole candidates without what it has split off.
    local IFS=$'\n' words=() at=-1 prefix='' joins='' word
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        if [[ $at -ge 0 && -n $word && -z ${word//[=:]/} ]]; then
            words[at]+=$word joins=1 prefix=${words[at]}
        elif [[ $joins ]]; then
            words[at]+=$word joins=''
        else
            words[++at]=$word prefix=''
        fi
    done
    COMPREPLY=()
    while read -r word || [[ -n $word ]]; do
        word=${word#"$prefix"}
        # The name of a file may have spaces and other characters that the shell would interpret.
        [[ ! -e $word ]] || printf -v word %q "$word"
        COMPREPLY+=("$word")
    done < <(AIMLAPI_VIDEO_COMPLETE=bash _CLAP_COMPLETE_INDEX=$at aimlapi-video -- "${words[@]}" 2>/dev/null)
    [[ ${COMPREPLY[*]} != *[=/] ]] || compopt -o nospace 2>/dev/null
}
complete -o bashdefault -o nosort -F _aimlapi_video aimlapi-video 2>/dev/null ||
    complete -o bashdefault -F _aimlapi_video aimlapi-video
