#!/bin/bash
#PBS -N $${job_name}
#PBS -j oe
#PBS -o $${log}
#PBS -l select=$${select}
#PBS -l place=$${place}
#PBS -l filesystems=$${filesystems}
#PBS -l walltime=$${walltime}
#PBS -l software=$${software}
#PBS -l qos=$${qos}
#PBS -q $${queue}
#PBS -A $${account}
#PBS -W group_list=$${group_list}
#PBS -p $${priority}
#PBS -m $${mail_type}
#PBS -M $${mail_user}

$${pre_rocket}
cd "$${launch_dir}"
exec $${rocket_launch}
