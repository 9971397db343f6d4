#!/bin/bash
#BSUB -J $${job_name}
#BSUB -o $${log}
#BSUB -n $${ntasks}
#BSUB -R "$${span}"
#BSUB -R "$${mem}"
#BSUB -R "$${resources}"
#BSUB -gpu "$${gpu}"
#BSUB -W $${walltime}
#BSUB -q $${queue}
#BSUB -P $${account}
#BSUB -sla $${qos}
#BSUB -G $${group}
#BSUB -nnodes $${nnodes}
#BSUB -alloc_flags "$${alloc_flags}"
#BSUB -wa $${warning_action}
#BSUB -wt $${warning_time}
#BSUB -u $${mail_user}

$${pre_rocket}
cd "$${launch_dir}"
exec $${rocket_launch}
